"""From what people type, ``r12`` or ``12``, to the release or the deployment that is meant, or a word on why not."""

from __future__ import annotations

from collections.abc import Sequence

from potions.errors import DeploymentUnknown, NeverServed, ReleaseUnknown
from potions.model.app import App
from potions.model.deployment import Deployment, Release, Status
from potions.model.history import ReleaseHistory
from potions.names import ReleaseLabel, parse_label_or_number
from potions.service.context import Context

#: How many are named in an error; `potions releases` has them all.
_NAMED = 12


class Targets:
    """What an app's history has to go back to. One look at the history for all questions."""

    def __init__(self, context: Context, app: App) -> None:
        self._context = context
        self._app = app
        self._history = context.store.release_history(app.id)

    def release(self, text: str) -> Release:
        """The kept release that is meant, whether it ever served or not.

        Raises NameRefused, ReleaseUnknown or DeploymentUnknown.
        """
        one = self._history_of(parse_label_or_number(text))
        self._refuse_pruned(one)
        return one.release

    def deployment(self, text: str) -> Deployment:
        """The deployment that a rollback to ``text`` brings back: for a release, the one by which it served last.

        Raises NameRefused, ReleaseUnknown, DeploymentUnknown or NeverServed.
        """
        meant = parse_label_or_number(text)
        one = self._history_of(meant)
        brief = one.served_last
        number = meant if isinstance(meant, int) else brief.number if brief is not None else None
        if number is None:
            raise self._never_served(f"{meant} of {self._app.name}", self._last(one))
        deployment = self._context.store.deployment(self._app.id, number)
        if not deployment.status.served:
            raise self._never_served(f"Deployment {number} of {self._app.name}", deployment)
        self._refuse_pruned(one)
        return deployment

    def _history_of(self, meant: ReleaseLabel | int) -> ReleaseHistory:
        if isinstance(meant, int):
            found = [one for one in self._history if any(run.number == meant for run in one.deployments)]
        else:
            found = [one for one in self._history if one.release.label == meant]
        if not found:
            raise self._unknown(meant)
        return found[0]

    def _unknown(self, meant: ReleaseLabel | int) -> ReleaseUnknown | DeploymentUnknown:
        if isinstance(meant, int):
            newest = max((run.number for one in self._history for run in one.deployments), default=None)
            return DeploymentUnknown(
                f"{self._app.name} has no deployment {meant}.",
                why="It has none at all." if newest is None else f"The newest is {newest}.",
                do=f"See them with: potions deployments {self._app.name}",
            )
        return ReleaseUnknown(f"{self._app.name} has no release {meant}.", why=self._kept(), do=self._see())

    def _refuse_pruned(self, one: ReleaseHistory) -> None:
        if one.pruned:
            raise ReleaseUnknown(
                f"{one.release.label} of {self._app.name} is not kept any more.",
                why=f"Its archive could not be used, or made room for newer ones. {self._kept()}",
                do=f"Send it again with: potions deploy PATH --app {self._app.name}",
            )

    def _never_served(self, what: str, deployment: Deployment | None) -> NeverServed:
        return NeverServed(f"{what} never served.", why=_why_not(deployment), do=f"{self._kept()} {self._see()}")

    def _last(self, one: ReleaseHistory) -> Deployment | None:
        if not one.deployments:
            return None
        return self._context.store.deployment(self._app.id, one.deployments[0].number)

    def _kept(self) -> str:
        """Which ones can be gone back to."""
        labels = [one.release.label for one in self._history if not one.pruned and one.served_last]
        return f"Kept are: {_some(labels)}." if labels else "None that served is kept."

    def _see(self) -> str:
        return f"See them with: potions releases {self._app.name}"


def _some(labels: Sequence[str]) -> str:
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _why_not(deployment: Deployment | None) -> str:
    if deployment is None:
        return "It was sent, and never deployed."
    if deployment.status is Status.CANCELLED:
        return f"Deployment {deployment.number} was cancelled."
    if not deployment.status.ended:
        return f"Deployment {deployment.number} is {deployment.status.value}."
    what = "" if deployment.failure is None else f" {deployment.failure.what}"
    return f"Deployment {deployment.number} failed.{what}"
