"""A checkup: what was looked at and what was found; and a treatment: what was done about it."""

from __future__ import annotations

import msgspec

from potions.model.doctor.finding import Finding, Severity, is_worrying


class Looked(msgspec.Struct, frozen=True):
    """One thing that the doctor looked at."""

    name: str
    words: str
    """What was seen, in short."""
    worst: Severity | None
    """Of what was found there; None where all is well."""


class Checkup(msgspec.Struct, frozen=True):
    """What ``potions doctor`` shows."""

    version: str
    home: str
    app: str
    """The app that was looked at; empty for the platform with all its apps."""
    apps: int
    """How many were looked at."""
    looked_at: list[Looked]
    findings: list[Finding]
    """The worst first."""
    seconds: float

    @property
    def is_healthy(self) -> bool:
        return not any(map(is_worrying, self.findings))


class FixRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mend what was found. ``only``: the keys of the findings that are meant; None means all that can be mended."""

    only: list[str] | None = None


class Treated(msgspec.Struct, frozen=True):
    """What was done about a finding, or why it was not."""

    finding: Finding
    words: str
    done: bool


class Treatment(msgspec.Struct, frozen=True):
    """What was mended, and how things are now."""

    treated: list[Treated]
    checkup: Checkup
