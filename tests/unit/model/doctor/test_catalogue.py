"""The kinds of findings: each with a code of its own and everything that its line in the documents needs."""

from __future__ import annotations

import pytest

from potions.model.doctor.catalogue import BY_CONCERN, KINDS
from potions.model.doctor.finding import Finding, Kind, Severity, is_worrying, worst_first, worst_of

EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)


def test_every_code_is_there_once() -> None:
    """A code names one kind, so that a script can rely on it."""
    every = [kind.code for kinds in BY_CONCERN.values() for kind in kinds]
    assert sorted(every) == sorted(set(every))


@EACH
def test_a_kind_can_be_looked_up(kind: Kind) -> None:
    """Its code is one word in lower case; meaning and remedy are there, the meaning as sentences."""
    assert kind.code == kind.code.lower()
    assert " " not in kind.code
    assert kind.meaning.endswith(".")
    assert kind.remedy
    assert not kind.fix.endswith(".")


def finding(severity: Severity) -> Finding:
    return Kind("code", severity, "Meaning.", "remedy", "mends it").found(f"{severity} here")


def test_the_worst_comes_first() -> None:
    """Errors before warnings before information; an information alone worries nobody."""
    mixed = [finding(severity) for severity in (Severity.INFO, Severity.ERROR, Severity.WARNING)]
    assert [one.severity for one in worst_first(mixed)] == [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert worst_of(mixed) is Severity.ERROR
    assert worst_of([]) is None
    assert [is_worrying(one) for one in worst_first(mixed)] == [True, True, False]


def test_a_name_from_the_disk_can_be_any_bytes() -> None:
    """What UTF-8 cannot say is an escape in the finding, or no answer could carry it."""
    found = Kind("code", Severity.INFO, "Meaning.", "remedy").found("\udcff is odd", place="/x/\udcff")
    assert (found.what, found.place) == ("\\udcff is odd", "/x/\\udcff")


def test_what_a_finding_says_to_do() -> None:
    """What is special about it, else what holds for its kind; what ``--fix`` does only where it does it."""
    kind = Kind("code", Severity.INFO, "Meaning.", "remedy", "mends it")
    assert (kind.found("what").do, kind.found("what").fix) == ("remedy", "mends it")
    assert (kind.found("what", do="this").do, kind.found("what", fixable=False).fix) == ("this", "")
