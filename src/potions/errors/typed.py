"""What people type, and the projects they type it in."""

from __future__ import annotations

from potions.errors.error import PotionsError


class NameRefused(PotionsError):
    """A name that breaks the rule for its kind (an app, a variable)."""

    code = "name-refused"
    exit_status = 2

    def __init__(self, kind: str, name: str, rule: str) -> None:
        shown = name if len(name) <= 60 else name[:57] + "..."
        super().__init__(f"{shown!r} cannot be the name of {kind}.", why=rule)


class DomainRefused(PotionsError):
    """A domain that no app can answer at: not one, or one that the platform needs itself."""

    code = "domain-refused"
    exit_status = 2


class ReservedVariable(PotionsError):
    """A variable that the platform makes and nobody may set, change or remove: `STORAGE_DIR`, `PORT`, `POTIONS_*`."""

    code = "variable-reserved"
    exit_status = 2

    def __init__(self, name: str, source: str = "") -> None:
        where = f" ({source})" if source else ""
        reasons = {
            "STORAGE_DIR": "It always is the path of the app's persistent storage, the same for both slots.",
            "PORT": "Each slot has a port of its own, which the proxy knows.",
        }
        super().__init__(
            f"{name} is reserved{where}.",
            why=reasons.get(name, "Variables that begin with POTIONS_ belong to the platform."),
            do=f"Leave {name} out; nothing was changed." if name in reasons else "Take another name.",
        )


class VariableRefused(PotionsError):
    """A variable's value that no process environment can carry."""

    code = "variable-refused"
    exit_status = 2


class VariableUnknown(PotionsError):
    """A variable that the app does not have."""

    code = "variable-unknown"
    http_status = 404


class PreviewOutdated(PotionsError):
    """Variables that were changed between the preview of a change and the change itself; nothing was done."""

    code = "preview-outdated"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"The variables of {app} were changed since the preview; nothing was done.",
            why=f"Who changed what: potions env history {app}",
            do="Run it again, and look at what it would do now.",
        )


class RollbackOutdated(PotionsError):
    """A rollback that was asked for from a page, after which something else was deployed."""

    code = "rollback-outdated"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done: something else serves since this page was shown.",
            why="A deployment came in between, so going back means something else now.",
            do="Look at what it would change now, then decide.",
        )


class OriginRefused(PotionsError):
    """A change that another web page than the dashboard's own asked for."""

    code = "origin-refused"
    http_status = 403

    def __init__(self, address: str) -> None:
        super().__init__(
            "This was asked for by another page than the dashboard; nothing was done.",
            why="A page elsewhere can send a browser's forms here, so only the dashboard's own are taken.",
            do=f"Do it from {address}",
        )


class FormTooLarge(PotionsError):
    """A form of the dashboard that is larger, or has more fields, than any of its pages sends."""

    code = "form-too-large"
    http_status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            "What was sent is too large for this page; nothing was done.",
            why=f"A form here has at most {most // 1024} kB.",
            do="For a large .env file: potions env import APP FILE",
        )


class FormExpired(PotionsError):
    """A form of the dashboard that was sent without a valid token: an old page, or one without its cookie."""

    code = "form-expired"
    http_status = 403

    def __init__(self) -> None:
        super().__init__(
            "This page was open for too long, or its cookie is gone; nothing was done.",
            why="Every form carries a token, so that no other page can send it.",
            do="Go back, load the page again, and do it once more.",
        )


class PageUnknown(PotionsError):
    """An address of the dashboard where there is no page."""

    code = "page-unknown"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("There is no page at this address.", do="Begin at the list of apps.")


class DotenvBroken(PotionsError):
    """A `.env` file with a line that cannot be read."""

    code = "dotenv-broken"
    exit_status = 2


class FileNotWritten(PotionsError):
    """A file on this computer that a command was to write: something is there already, or its folder refuses it."""

    code = "file-not-written"


class UsageRefused(PotionsError):
    """Words on the command line that do not fit together."""

    code = "usage"
    exit_status = 2


class NotConfirmed(PotionsError):
    """A destructive command whose confirmation was not given, or was not the app's name."""

    code = "not-confirmed"
    exit_status = 2


class ProjectRefused(PotionsError):
    """A directory that `potions init` cannot set up, or a file in it that cannot be written."""

    code = "project-refused"
    exit_status = 2


class CommandNotStarted(PotionsError):
    """A command that cannot be started: there is none of that name, or it may not be run, or no room for it."""

    code = "command-not-started"
    exit_status = 127
