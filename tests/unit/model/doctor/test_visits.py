"""Judging a request through the proxy."""

from __future__ import annotations

import pytest

from potions.layout import Colour
from potions.model.doctor.visits import VisitSeen, judge_visit


@pytest.mark.parametrize(
    ("status", "slot", "good", "expected"),
    [
        (200, "blue", True, []),
        (404, "blue", False, ["unhealthy"]),
        (200, "green", True, ["other-slot-answers"]),
        (503, "", False, ["not-answered"]),
        (None, "", False, ["not-answered"]),
    ],
)
def test_each_way_in_which_a_visitor_is_answered(
    status: int | None, slot: str, good: bool, expected: list[str]
) -> None:
    """Well, badly, by the wrong slot, by the proxy itself, not at all."""
    found = judge_visit(VisitSeen("blog", "/health", Colour.BLUE, status, slot, good))
    assert [one.code for one in found] == expected
