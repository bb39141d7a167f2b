"""A deploy on its way, and what goes on in a slot."""

from __future__ import annotations

from collections.abc import Iterable

from potions.errors.error import PotionsError


class BuildFailed(PotionsError):
    """The build command ended with an error."""

    code = "build-failed"


class MigrationFailed(PotionsError):
    """The migration ended with an error."""

    code = "migration-failed"


class AppExited(PotionsError):
    """The new release ended before it answered."""

    code = "app-exited"


class WorkerExited(PotionsError):
    """A worker process of the new release did not stay up."""

    code = "worker-exited"


class WorkerUnknown(PotionsError):
    """A worker process that the app does not have."""

    code = "worker-unknown"
    http_status = 404

    def __init__(self, app: str, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{app} has no process called {name}.",
            why=f"It has: {', '.join(known)}.",
            do=f"See what runs: potions apps show {app}",
        )


class NotListening(PotionsError):
    """The new release runs, but never listened on its port."""

    code = "not-listening"


class ListensElsewhere(PotionsError):
    """The new release listens, but not on `$PORT`."""

    code = "listens-elsewhere"


class Unhealthy(PotionsError):
    """The new release listens, but its answers were not good in time."""

    code = "unhealthy"


class PortBusy(PotionsError):
    """Somebody else listens on the port that a slot or Potions itself needs."""

    code = "port-busy"
    http_status = 409
    retry = True


class ConfirmFailed(PotionsError):
    """The new slot did not answer through the proxy, so traffic was switched back."""

    code = "confirm-failed"


class StillRunning(PotionsError):
    """A process of the app could not be stopped, not even with SIGKILL."""

    code = "still-running"


class StepInterrupted(PotionsError):
    """The platform itself was stopped in the middle of a step; the deployment was undone."""

    code = "interrupted"
    retry = True


class DeployCancelled(PotionsError):
    """Somebody cancelled the deployment."""

    code = "cancelled"


class DeploymentUnknown(PotionsError):
    """A deployment that this app does not have."""

    code = "deployment-unknown"
    http_status = 404


class NothingDeployed(PotionsError):
    """The app has no release yet, so there is nothing to act on."""

    code = "nothing-deployed"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"Nothing is deployed to {app} yet.",
            do=f"Deploy a release first: potions deploy PATH --app {app}",
        )


class NothingToRollBackTo(PotionsError):
    """There is no earlier release that served before the one that serves now."""

    code = "nothing-to-roll-back-to"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} has nothing to roll back to.",
            why="Only one release has ever served, or none.",
            do=f"See its history with: potions deployments {app}",
        )


class NothingToCompare(PotionsError):
    """Two releases were to be compared, and there is only one."""

    code = "nothing-to-compare"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} has nothing to compare with what serves.",
            why="Only one release has ever served.",
            do=f"Name two: potions diff {app} r1 r2. See them with: potions releases {app}",
        )


class NeverServed(PotionsError):
    """A release or a deployment that a rollback cannot go to, because it never served."""

    code = "never-served"
    http_status = 409


class ServesAlready(PotionsError):
    """A rollback to what serves already."""

    code = "serves-already"
    http_status = 409


class AppBusy(PotionsError):
    """A deploy or a rollback of this app runs right now."""

    code = "app-busy"
    http_status = 409
    retry = True


class NotCancellable(PotionsError):
    """A deployment that has ended, or is past the step until which it can be cancelled."""

    code = "not-cancellable"
    http_status = 409


class TooManyTerminals(PotionsError):
    """As many consoles and commands are open as may be at once."""

    code = "too-many-terminals"
    http_status = 429
    retry = True

    def __init__(self, whose: str, most: int) -> None:
        super().__init__(
            f"{most} consoles and commands {whose} are open already, and no more than that may be.",
            why="Each is a program beside the app itself.",
            do="Close one of them. Who opened what: potions audit",
        )


class NoTerminal(PotionsError):
    """A console needs a terminal to type in, and there is none."""

    code = "no-terminal"
    exit_status = 2

    def __init__(self, app: str) -> None:
        super().__init__(
            "A console needs a terminal, and here is none.",
            why="Standard input or output is a file or a pipe.",
            do=f"For a command in a script: potions run {app} -- COMMAND",
        )
