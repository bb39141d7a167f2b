"""A step of the install: looks at what is, says how it differs from what should be, and makes it so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One thing that has to be so. ``apply`` is called where something differs, and may be called again at any time."""

    name: str
    differences: Callable[[], list[str]]
    """In words, each a line; changes nothing, and works also before any other step has been applied."""
    apply: Callable[[Say], None]
    """Raises PotionsError; what is done by then stays right."""


class StepReport(msgspec.Struct, frozen=True):
    """What was found of one step."""

    name: str
    differences: list[str]
    changed: bool
    """Whether it was applied, and nothing differs any more."""


class InstallReport(msgspec.Struct, frozen=True):
    """What ``potions server install --json`` prints."""

    steps: list[StepReport]
    warnings: list[str] = []

    @property
    def differs(self) -> bool:
        return any(step.differences for step in self.steps)


def check(steps: Sequence[Step], tell: Callable[[StepReport], None]) -> list[StepReport]:
    """What differs, by steps; nothing is changed."""
    found = []
    for step in steps:
        report = StepReport(step.name, step.differences(), changed=False)
        tell(report)
        found.append(report)
    return found


def carry_out(steps: Sequence[Step], tell: Callable[[StepReport], None], say: Say) -> list[StepReport]:
    """Apply each step where something differs, in order. The first that fails ends it with its PotionsError."""
    done = []
    for step in steps:
        differences = step.differences()
        report = StepReport(step.name, differences, changed=bool(differences))
        tell(report)
        if differences:
            step.apply(say)
        done.append(report)
    return done
