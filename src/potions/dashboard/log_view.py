"""What an app prints, as the Logs tab shows it."""

from __future__ import annotations

import msgspec

from potions.harmless import sanitise
from potions.schema import Colour, LogLine

#: What is shown of one line, in characters; the whole is in the file.
_LINE_MAX = 5000


class ShownLine(msgspec.Struct, frozen=True):
    """A line for a page."""

    slot: Colour
    process: str
    text: str
    gap: bool = False
    """No line, but where some may be missing."""


def shown_line(line: LogLine) -> ShownLine:
    """The line without what only a terminal understands, and with what would not show spelt out."""
    # What is dropped of it may be long too, and a page waits for it.
    text = sanitise(line.text[: 4 * _LINE_MAX])
    if len(text) > _LINE_MAX or len(line.text) > 4 * _LINE_MAX:
        text = text[:_LINE_MAX] + " …"
    return ShownLine(line.slot, line.process, text, line.gap)


def log_query(slot: Colour | None, process: str, contains: str) -> dict[str, str]:
    """What was chosen, as an address has it; only what was."""
    chosen = {"slot": slot.value if slot else "", "process": process, "contains": contains}
    return {name: value for name, value in chosen.items() if value}
