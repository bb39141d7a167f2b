"""What the programs of an app print, as whoever keeps it gives it: by files, or by systemd's journal."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from potions.layout import Colour
from potions.model.app import App
from potions.model.service import slot_service, worker_service

#: What the program is called that answers visitors.
WEB = "web"


class Source(NamedTuple):
    """One program that prints: ``web`` of a slot, or a worker."""

    slot: Colour
    process: str

    def service(self, app: str) -> str:
        """The service whose program it is."""
        return slot_service(app, self.slot) if self.process == WEB else worker_service(app, self.slot, self.process)


class Wanted(msgspec.Struct, frozen=True):
    """What a reader of an app's output asks for."""

    slot: Colour | None = None
    """None: both."""
    process: str | None = None
    """None: all of them."""
    contains: str = ""
    """Only lines with this text, in upper or lower case."""
    serving: Colour = Colour.GREEN
    """The slot that serves: its lines come last."""
    follow: bool = False
    """It is read on and on. Any reader may be, but for one that was not told so each look may cost more."""

    def has(self, source: Source) -> bool:
        return self.slot in (None, source.slot) and self.process in (None, source.process)

    def matches(self, text: str) -> bool:
        return self.contains.casefold() in text.casefold()


class Printed(msgspec.Struct, frozen=True):
    """A line that was printed, or a place where lines may be missing."""

    source: Source
    text: str
    cursor: str
    """Where this line ends: what was asked for goes on right behind it."""
    gap: bool = False
    """No line: lines of this program may be missing here. ``text`` says why, where they were not rotated away."""


def text_of(line: bytes) -> str:
    """A line as text: what is no UTF-8 is replaced, and a carriage return at its end is no part of it."""
    return line.decode(errors="replace").rstrip("\r")


def journal_fields(app: App) -> dict[str, str]:
    """What stands in the journal beside each line of an app: no earlier app of the same name has the same.

    Ids begin anew where Potions itself was removed and installed again, so they alone would not tell.
    """
    return {"POTIONS_APP": app.name, "POTIONS_APP_ID": f"{app.id}-{int(app.created.timestamp())}"}
