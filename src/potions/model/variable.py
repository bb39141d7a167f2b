"""Variables: which are made by the platform, which are locked, and which differ from what runs."""

from __future__ import annotations

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
