"""A check: something to look at, and what comes of it. The registries of them are in ``checks``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from potions.model.doctor.finding import Finding
from potions.service.doctor.scene import AppScene, Scene


class Look(NamedTuple):
    """What a look gave: a few words about what was seen, and what is not as it should be."""

    words: str
    findings: list[Finding]


@dataclass(frozen=True)
class Check:
    """Looks at something of the platform's."""

    name: str
    look: Callable[[Scene], Look]


@dataclass(frozen=True)
class AppCheck:
    """Looks at something of one app's. ``words`` say what it sees to, where several apps are looked at."""

    name: str
    words: str
    look: Callable[[Scene, AppScene], Look]


def counted(number: int, one: str, several: str = "") -> str:
    """``1 app``, ``3 apps``."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
