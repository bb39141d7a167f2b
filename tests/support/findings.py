"""Findings of the doctor, without those that only say something of the computer that the tests run on."""

from __future__ import annotations

from potions.schema import Checkup, Finding

#: A disk that is nearly full, a home in memory, another Potions of a developer: no test has made these.
OF_THIS_COMPUTER = frozenset(
    {"disk-full", "disk-low", "inodes-low", "in-memory", "memory-short", "limit-low", "homes-overlap", "path-poor"}
)


def own_findings(checkup: Checkup) -> list[Finding]:
    """What a test has made, or should not have."""
    return [finding for finding in checkup.findings if finding.code not in OF_THIS_COMPUTER]


def codes_of(checkup: Checkup) -> list[str]:
    """The codes of the same."""
    return [finding.code for finding in own_findings(checkup)]
