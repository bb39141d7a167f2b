"""Variables between a form and the agent: what a field makes of a value, and what a page says about one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from potions.errors import ReservedVariable
from potions.schema import Liveness, Variable

#: So many names of one entry of the history are shown; whoever exports a file sees all of them.
NAMES_SHOWN = 6


@dataclass(frozen=True, repr=False)
class Shown:
    """A variable in the table. It has a value only where that is no secret, or somebody asked for it."""

    variable: Variable

    @property
    def name(self) -> str:
        return self.variable.name

    @property
    def why_locked(self) -> str:
        """The agent's words; empty for one that is not locked."""
        return ReservedVariable(self.name).why if self.variable.locked else ""

    @property
    def is_saved(self) -> bool:
        """Not one that was removed and is only live still."""
        return self.variable.liveness is not Liveness.REMOVED

    @property
    def fits_a_field(self) -> bool:
        """Whether a page gives the value back as it is: browsers make line feeds of carriage returns."""
        return "\r" not in (self.variable.value or "")


def shown(found: Sequence[Variable], revealed: Variable | None) -> list[Shown]:
    """The table, with the one value that was asked for."""
    return [Shown(revealed if revealed is not None and one.name == revealed.name else one) for one in found]


def not_live(found: Sequence[Variable]) -> list[Variable]:
    """Those that are saved and not live, or removed and still live."""
    return [one for one in found if one.liveness is not Liveness.LIVE]


def value_from(field: str) -> str:
    """The value that was typed into a field of several lines.

    Browsers send a line's end as CR LF. One line feed at the end is taken off, as ``potions env set`` takes it off what
    comes from a pipe: most often it was typed or pasted without being meant.
    """
    return lines_from(field).removesuffix("\n")


def lines_from(field: str) -> str:
    """The text of a field of several lines, with line feeds."""
    return field.replace("\r\n", "\n")


def field_for(value: str) -> str:
    """What stands in a field for a value, so that ``value_from`` gives it back."""
    return value + "\n" if value.endswith("\n") else value


def seal_of(text: str, *, replace: bool) -> str:
    """A mark of what was previewed, by which the page sees that just that is applied."""
    return hashlib.sha256(f"{replace}\n{text}".encode(errors="surrogatepass")).hexdigest()
