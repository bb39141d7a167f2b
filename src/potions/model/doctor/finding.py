"""A finding: something that is not as it should be, told so that a person can act on it; and the kinds they are of."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How much a finding matters. Errors and warnings make ``potions doctor`` end with 1."""

    ERROR = "error"
    """Visitors or files are affected, or the next command will fail."""
    WARNING = "warning"
    """Not as it should be; it will be missed one day."""
    INFO = "info"
    """Worth knowing."""


#: From bad to good: the order in which findings are shown.
_WORST_FIRST = tuple(Severity)


class Finding(msgspec.Struct, frozen=True):
    """What is, what should be, and what to run."""

    code: str
    severity: Severity
    what: str
    app: str = ""
    """Empty where it is about the platform."""
    place: str = ""
    """What it is about: a path, a port, a service."""
    expected: str = ""
    why: str = ""
    """What else was seen: a line each."""
    do: str = ""
    fix: str = ""
    """What ``--fix`` does about it; empty where it leaves that to a person."""

    @property
    def key(self) -> str:
        """The same for the same finding of two looks."""
        return f"{self.code} {self.app} {self.place}"


class Kind(msgspec.Struct, frozen=True):
    """A kind of finding. ``meaning`` and ``remedy`` are its line in ``docs/doctor.md``."""

    code: str
    severity: Severity
    meaning: str
    remedy: str
    fix: str = ""
    """What ``--fix`` does, where it does anything."""

    def found(
        self,
        what: str,
        *,
        app: str = "",
        place: object = "",
        expected: str = "",
        why: str = "",
        do: str = "",
        fixable: bool = True,
    ) -> Finding:
        """One of this kind. ``fixable``: whether ``--fix`` may do what it does for others of this kind."""
        told = (what, app, str(place), expected, why, do or self.remedy, self.fix if fixable else "")
        return Finding(self.code, self.severity, *map(_sayable, told))


def is_worrying(finding: Finding) -> bool:
    """Whether it is more than an information."""
    return finding.severity is not Severity.INFO


def worst_of(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity among them; None where there is no finding."""
    found = {finding.severity for finding in findings}
    return next((severity for severity in _WORST_FIRST if severity in found), None)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by severity, otherwise in their order."""
    return sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.severity))


def _sayable(text: str) -> str:
    """What UTF-8 cannot say as escapes: a name from the disk can be any bytes, an answer cannot."""
    return text.encode("utf-8", "backslashreplace").decode()
