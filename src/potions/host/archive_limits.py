"""What a release may have at most, how much of it was read, and the errors of archives that are refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from potions.errors import ArchiveBroken, ArchiveTooLarge, ArchiveUnreadable, NoRoom
from potions.host.descriptors import shown

#: Called with the bytes done and the bytes in total.
Report = Callable[[int, int], None]

MIB = 1024 * 1024

TRUNCATED = "It ends before all of it was there: the file was cut off."
DAMAGED = "Its data is damaged: a checksum or a header is wrong."

_SECONDS_BETWEEN_REPORTS = 0.1
_NAME_SHOWN = 200


@dataclass(frozen=True)
class Limits:
    """What a release may have at most: files, directories and links together, bytes unpacked, names in a path."""

    files: int = 200_000
    bytes: int = 20 * 1024 * MIB
    #: Bytes that the disk holds; None where nobody looked.
    room: int | None = None
    depth: int = 100
    #: Bytes unpacked for each byte of the archive; looked at only above ``ratio_from`` bytes.
    ratio: int = 200
    ratio_from: int = 100 * MIB
    #: Bytes of the paths and targets of all links, which are kept in memory until the end.
    link_text: int = 32 * MIB

    def check_members(self, count: int) -> None:
        """Refuse more members, or more directories around them, than a release may have."""
        if count > self.files:
            raise too_large(f"It has more than {self.files:,} members, or directories.")

    def check_bytes(self, unpacked: int) -> None:
        """Refuse more bytes than a release may have, or than the disk holds."""
        if unpacked > self.bytes:
            raise too_large(f"It unpacks to more than {self.bytes:,} bytes.")
        if self.room is not None and unpacked > self.room:
            raise NoRoom(
                "The disk does not hold this release unpacked.",
                why=f"It takes more than the {self.room:,} bytes that may be used for it.",
                do="Make room, then deploy again.",
            )

    def check_ratio(self, unpacked: int, packed: int) -> None:
        """Refuse what expands as no release does."""
        if unpacked > self.ratio_from and unpacked > packed * self.ratio:
            raise too_large(f"It unpacks to more than {self.ratio} times its own size.")


class Meter:
    """Reports bytes done of a total, at most every 0.1 s, and once at the end."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self.total = total
        self._next_report = 0.0

    def advance(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + _SECONDS_BETWEEN_REPORTS
            self._report(done, self.total)

    def finish(self) -> None:
        self._report(self.total, self.total)


def spelt(name: str) -> str:
    """A member's name for people: not longer than a line or two, and harmless in a terminal."""
    text = shown(name)
    return text if len(text) <= _NAME_SHOWN else f"{text[: _NAME_SHOWN - 3]}..."


def broken(why: str) -> ArchiveBroken:
    """The error for an archive that cannot be read to its end."""
    return ArchiveBroken("The archive is broken.", why=why, do="Pack the release again and send it again.")


def too_large(why: str, do: str = "Leave out what the app does not need to run.") -> ArchiveTooLarge:
    """The error for an archive that goes beyond its limits."""
    return ArchiveTooLarge("The archive is too large.", why=why, do=do)


def unreadable(why: str, do: str) -> ArchiveUnreadable:
    """The error for an archive that may be whole, and still cannot be read here."""
    return ArchiveUnreadable("Potions cannot read this archive.", why=why, do=do)
