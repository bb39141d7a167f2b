"""The lines of small charts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.chart import sparkline


def test_a_line_needs_two_values() -> None:
    """One says nothing about change."""
    assert sparkline([], 100, 20) == sparkline([5], 100, 20) == ""


def test_the_highest_value_is_at_the_top() -> None:
    """And the first at the left edge; values that are all the same lie in the middle."""
    assert sparkline([0, 10], 100, 20) == "0.0,19.0 100.0,1.0"
    assert sparkline([3, 3], 100, 20) == "0.0,10.0 100.0,10.0"


@given(st.lists(st.integers(0, 10**18), min_size=2, max_size=100))
def test_no_point_lies_outside(values: list[int]) -> None:
    """Or the line would be cut."""
    points = [tuple(map(float, point.split(","))) for point in sparkline(values, 120, 28).split()]
    assert len(points) == len(values)
    assert all(0 <= x <= 120 and 1 <= y <= 27 for x, y in points)
