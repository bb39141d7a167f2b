"""Small charts as SVG, drawn on the server: they are there at first paint, without a script, and can be printed."""

from __future__ import annotations

from collections.abc import Sequence


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
