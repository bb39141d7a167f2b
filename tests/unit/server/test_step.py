"""Steps: what differs is applied in order, what does not is left alone, and a failure ends it."""

from __future__ import annotations

import pytest

from potions.errors import InstallFailed
from potions.server.step import InstallReport, Step, StepReport, carry_out, check


class Scripted:
    """Steps over a set of what is there already."""

    def __init__(self, *there: str) -> None:
        self.there = set(there)
        self.told: list[str] = []

    def step(self, name: str, *, fails: bool = False) -> Step:
        def apply(_say: object) -> None:
            if fails:
                raise InstallFailed(f"{name} cannot be made.")
            self.there.add(name)

        return Step(name, lambda: [] if name in self.there else [f"{name} is not there"], apply)

    def tell(self, report: StepReport) -> None:
        self.told.append(report.name)


def _silent(_line: str) -> None:
    return


def test_only_what_differs_is_applied() -> None:
    """The report says of each what was found, and another run finds nothing."""
    one = Scripted("a")
    steps = [one.step("a"), one.step("b")]
    done = carry_out(steps, one.tell, _silent)
    assert done == [StepReport("a", [], changed=False), StepReport("b", ["b is not there"], changed=True)]
    assert InstallReport(done).differs
    assert not InstallReport(carry_out(steps, one.tell, _silent)).differs


def test_a_check_changes_nothing() -> None:
    """However often it is made."""
    one = Scripted()
    steps = [one.step("a"), one.step("b")]
    assert [report.differences for report in check(steps, one.tell)] == [["a is not there"], ["b is not there"]]
    assert one.there == set()


def test_a_step_that_fails_ends_it_and_what_came_before_stays() -> None:
    """So the next run goes on from there."""
    one = Scripted()
    with pytest.raises(InstallFailed, match="b cannot be made"):
        carry_out([one.step("a"), one.step("b", fails=True), one.step("c")], one.tell, _silent)
    assert one.there == {"a"}
    assert one.told == ["a", "b"]


def test_a_step_looks_only_when_it_is_its_turn() -> None:
    """What it looks at may be made by the steps before it."""
    one = Scripted()
    depends = Step("d", lambda: [] if "a" in one.there else ["a is missing"], lambda _say: None)
    assert carry_out([one.step("a"), depends], one.tell, _silent)[1].differences == []
