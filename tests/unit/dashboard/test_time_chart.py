"""A curve over time: where its points and marks are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.chart import time_chart

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def samples(*values: float, hours: float = 24) -> list[tuple[datetime, float]]:
    return [(BEGIN + timedelta(hours=hours * index), value) for index, value in enumerate(values)]


def test_points_lie_where_their_moments_are() -> None:
    """From 0 at the bottom to a round number above all values."""
    chart = time_chart([(BEGIN, 0), (BEGIN + timedelta(days=1), 150), (BEGIN + timedelta(days=4), 75)], 400, 100)
    assert chart and chart.line == "0.0,100.0 100.0,25.0 400.0,62.5"
    assert [tick.value for tick in chart.heights] == [0, 100, 200]
    assert [when for _, when in chart.moments] == ["Nov 1", "Nov 3", "Nov 5"]


@pytest.mark.parametrize("few", [[], samples(5), [(BEGIN, 1.0), (BEGIN, 2.0)]])
def test_less_than_two_moments_are_no_curve(few: list[tuple[datetime, float]]) -> None:
    """Nothing is drawn of them."""
    assert time_chart(few, 100, 100) is None


@pytest.mark.parametrize(("hours", "mark"), [(1, "00:00 UTC"), (48, "Nov 1"), (9000, "Nov 1, 2026")])
def test_marks_are_as_exact_as_the_span_needs(hours: float, mark: str) -> None:
    """An hour's curve says the time, a year's the year."""
    chart = time_chart(samples(1, 2, hours=hours), 100, 100)
    assert chart and chart.moments[0][1] == mark


@given(st.lists(st.integers(0, 2**62), min_size=2, max_size=50))
def test_every_point_lies_within_the_drawing(values: list[int]) -> None:
    """Whatever is stored."""
    chart = time_chart(samples(*values), 100, 50)
    assert chart
    points = [tuple(map(float, point.split(","))) for point in chart.line.split()]
    assert all(0 <= x <= 100 and 0 <= y <= 50 for x, y in points)
