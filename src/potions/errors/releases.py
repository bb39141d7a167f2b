"""Archives, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable

from potions.errors.error import PotionsError


class ReleaseRefused(PotionsError):
    """A path that is not a release: it does not exist, or is neither a directory nor an archive Potions reads."""

    code = "release-refused"
    exit_status = 2


class ArchiveBroken(PotionsError):
    """An archive that is truncated, damaged or empty."""

    code = "archive-broken"


class ArchiveUnsafe(PotionsError):
    """An archive with a member that would leave the release's directory, or is no file, directory or link."""

    code = "archive-unsafe"


class ArchiveUnreadable(PotionsError):
    """An archive that may be whole and cannot be read: encrypted, split, or packed by an uncommon method."""

    code = "archive-unreadable"


class ArchiveTooLarge(PotionsError):
    """An archive with more members, more bytes or a higher ratio than a release may have, or than memory can take."""

    code = "archive-too-large"


class NoRoom(PotionsError):
    """The disk would not hold what was asked for, or ran full."""

    code = "no-room"
    http_status = 507


class ReleaseUnknown(PotionsError):
    """A release that this app never had, or that was pruned."""

    code = "release-unknown"
    http_status = 404


class ShippedStorage(PotionsError):
    """A release that brings its own `storage`, where the persistent one has to be."""

    code = "shipped-storage"


class ManifestRefused(PotionsError):
    """A `potions.toml` with a mistake in it."""

    code = "manifest-refused"
    exit_status = 2


class ProcfileRefused(PotionsError):
    """A Procfile with a line that Potions does not run."""

    code = "procfile-refused"
    exit_status = 2


class NoStartCommand(PotionsError):
    """A release that does not say how it is started."""

    code = "no-start-command"

    def __init__(self, lookalikes: Iterable[str] = ()) -> None:
        similar = ", ".join(lookalikes)
        super().__init__(
            "The release does not say how to start it.",
            why="It has no potions.toml with [run] start, no Procfile with a web: line, and is no Mix release."
            + (f" There is {similar}: names are case-sensitive." if similar else ""),
            do='Put a Procfile with "web: COMMAND" into it; the command has to listen on $PORT.',
        )
