"""Apps and their domains."""

from __future__ import annotations

from collections.abc import Iterable

from potions.errors.error import PotionsError


class AppTaken(PotionsError):
    """An app of that name exists."""

    code = "app-taken"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is an app called {name} already.",
            do=f"Take another name, or look at it with: potions apps show {name}",
        )


class AppUnknown(PotionsError):
    """No app of that name exists."""

    code = "app-unknown"
    http_status = 404

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        close = ", ".join(known)
        super().__init__(
            f"There is no app called {name}.",
            why=f"Did you mean {close}?" if close else "",
            do=f"See them with: potions apps list; make it with: potions apps create {name}",
        )


class AppDirectoryGone(PotionsError):
    """The app's directory was removed or replaced by hand, so there is nothing to act on."""

    code = "app-directory-gone"
    http_status = 409

    def __init__(self, name: str, directory: str) -> None:
        super().__init__(
            f"The directory of {name} is gone.",
            why=f"{directory} was removed, emptied or replaced by hand.",
            do=f"Make it anew with: potions apps create {name}; or forget it with: potions apps delete {name}. "
            "What is left of it goes into the trash.",
        )


class AppDamaged(PotionsError):
    """One of the files by which Potions knows an app's slots was removed or broken by hand."""

    code = "app-damaged"
    http_status = 409

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"{path} cannot be read.",
            why=why,
            do="Have it mended from Potions' own records: potions down, then potions up; on a server: "
            "sudo systemctl restart potions-agent. No stored file is touched.",
        )


class SlotGone(PotionsError):
    """The directory of the release that serves was removed by hand."""

    code = "slot-gone"
    http_status = 409

    def __init__(self, app: str, path: str) -> None:
        super().__init__(
            f"{path}, the live slot of {app}, is not there any more.",
            do=f"Unpack its release again: potions redeploy {app}. Storage is not touched.",
        )


class DomainTaken(PotionsError):
    """A domain that an app has already."""

    code = "domain-taken"
    http_status = 409

    def __init__(self, name: str, owner: str, app: str) -> None:
        if owner == app:
            super().__init__(f"{app} has the domain {name} already.", do=f"See: potions domains list {app}")
        else:
            super().__init__(
                f"{name} is a domain of another app, {owner}.",
                why="A domain leads to one app.",
                do=f"Take it from there first: potions domains remove {owner} {name}",
            )


class DomainUnknown(PotionsError):
    """A domain that the app does not have."""

    code = "domain-unknown"
    http_status = 404

    def __init__(self, name: str, app: str, close: Iterable[str] = ()) -> None:
        super().__init__(
            f"{app} has no domain {name}.",
            why=f"Did you mean {', '.join(close)}?" if close else "",
            do=f"See them with: potions domains list {app}",
        )


class DomainElsewhere(PotionsError):
    """A domain whose DNS records do not lead to this server, or could not be asked for; nothing was changed."""

    code = "domain-elsewhere"
    http_status = 409


class NoDomain(PotionsError):
    """The address of an app that has none yet: on a server an app is found by its domains."""

    code = "no-domain"
    http_status = 409

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} has no address yet.",
            why="On a server an app is found by its domains, and it has none.",
            do=f"Give it one: potions domains add {app} DOMAIN",
        )


class ServerNeeded(PotionsError):
    """Something that only a server has, asked for where Potions runs on somebody's own computer."""

    code = "server-needed"
    http_status = 409


class TrashUnknown(PotionsError):
    """No deleted app of that name is in the trash."""

    code = "trash-unknown"
    http_status = 404

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No deleted app called {name} is in the trash.",
            why="It was purged, its 72 hours have passed, or it never was.",
            do="See what is there with: potions apps list --deleted",
        )


class PortsExhausted(PotionsError):
    """No free pair of ports is left for another app."""

    code = "ports-exhausted"
    http_status = 409
