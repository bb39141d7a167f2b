"""Variables: which are made by the platform or locked, which differ from what runs, and who did what to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Liveness(StrEnum):
    """How a saved variable relates to what the live slot runs with."""

    LIVE = "live"
    SAVED = "saved, not live"
    REMOVED = "removed, still live"


class Variable(msgspec.Struct, frozen=True):
    """A variable as it is shown. ``value`` is None where it is hidden."""

    name: str
    value: str | None
    auto: bool
    """Made by the platform with the app."""
    locked: bool
    """Nobody may change or remove it."""
    liveness: Liveness

    def __repr__(self) -> str:
        # A value has no business in a log, and a traceback prints locals by their repr.
        return f"Variable({self.name}, {self.liveness})"


class VariableAct(StrEnum):
    """What somebody did to the variables of an app."""

    CREATED = "created"
    """Made by the platform, with the app."""
    SET = "set"
    UNSET = "unset"
    IMPORTED = "imported"
    REMADE = "remade"
    """Made anew by the platform: the app has another name, or another primary domain."""
    REVEALED = "revealed"
    EXPORTED = "exported"


#: What leaves the variables as they are, and lets somebody see their values.
LOOKS = frozenset({VariableAct.REVEALED, VariableAct.EXPORTED})


class VariableEvent(msgspec.Struct, frozen=True):
    """An entry of the history of an app's variables. It has names, and never a value."""

    at: datetime
    by: str
    act: VariableAct
    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []
    seen: list[str] = []
    """Whose values were shown."""

    @property
    def names(self) -> list[str]:
        """Every variable it is about."""
        return [*self.added, *self.changed, *self.removed, *self.seen]
