"""Small charts as SVG, drawn on the server: they are there at first paint, without a script, and can be printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

#: In seconds.
_DAY = 86400


def sparkline(values: Sequence[float], width: float, height: float) -> str:
    """The ``points`` of a polyline through the values, from the left to the right edge; empty for fewer than two.

    The lowest value lies at the bottom, the highest at the top; values that are all the same lie in the middle.
    """
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    step = width / (len(values) - 1)
    inner = height - 2
    return " ".join(
        f"{index * step:.1f},{1 + inner * (1 - _share(value, low, high)):.1f}" for index, value in enumerate(values)
    )


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if high == low else (value - low) / (high - low)


# Over time


class Tick(NamedTuple):
    """A mark at an axis: how far along it is, in the units of the drawing, and what it stands for."""

    at: float
    value: float


class TimeChart(NamedTuple):
    """A line over time, from 0 up, with what stands at its axes."""

    line: str
    """The ``points`` of a polyline."""
    area: str
    """The ``points`` of the polygon below it."""
    heights: list[Tick]
    """Marks of the values, the lowest first; ``at`` counts from the top."""
    moments: list[tuple[float, str]]
    """Marks of the time, how far from the left, and in words."""


def time_chart(samples: Sequence[tuple[datetime, float]], width: float, height: float) -> TimeChart | None:
    """A chart of samples in their order, ``width`` × ``height`` units; None for fewer than two moments."""
    if len(samples) < 2 or samples[0][0] >= samples[-1][0]:
        return None
    begin, end = samples[0][0].timestamp(), samples[-1][0].timestamp()
    top = _round_above(max(value for _, value in samples))
    points = [(width * (at.timestamp() - begin) / (end - begin), height * (1 - value / top)) for at, value in samples]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    moments = [(width * share, _in_words(begin + (end - begin) * share, end - begin)) for share in (0, 0.5, 1)]
    heights = [Tick(height * (1 - share), top * share) for share in (0, 0.5, 1)]
    return TimeChart(line, f"0,{height:.1f} {line} {width:.1f},{height:.1f}", heights, moments)


def _in_words(at: float, span: float) -> str:
    """A moment in UTC, as exactly as a span of so many seconds needs it."""
    moment = datetime.fromtimestamp(at, UTC)
    day = f"{moment:%b} {moment.day}"
    return f"{moment:%H:%M} UTC" if span < _DAY else day if span < 300 * _DAY else f"{day}, {moment.year}"


def _round_above(value: float) -> float:
    """The least of 1, 2, 4, 6, 8 or 10 times a power of ten that is not below ``value``: half of it is round, too."""
    step = 1.0
    while step * 10 <= value:
        step *= 10
    return next((step * factor for factor in (1, 2, 4, 6, 8, 10) if step * factor >= value), step)
