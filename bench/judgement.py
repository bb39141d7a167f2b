"""The judgement on a load that ran across switches: stale answers, gaps, latencies around the switches. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from support.load_result import Record, Result

#: A request counts as made while switching if it was in flight within so many seconds of a switch's beginning.
AROUND = 0.1


class Switch(NamedTuple):
    """One switch, in monotonic instants."""

    began: float
    renaming: float
    """Directly before its rename(2)."""
    renamed: float
    """The rename returned: from here on only ``version`` may answer what is sent."""
    ended: float
    version: str


@dataclass(frozen=True)
class Judged:
    """What a load says of the switches it ran across. Times are seconds."""

    stale: int
    """Answers of the old slot to requests that were sent after the rename returned."""
    longest_gap: float
    """The longest time without an answer anywhere in the load."""
    longest_gap_around: float
    """The longest one that a switch lies in or directly before."""
    p99_around: float
    """The 99th percentile of what was in flight within `AROUND` of a switch's beginning."""
    requests_around: int
    first_answers: list[float]
    """From each rename to the end of the first answer of the version it pointed at."""


def judge(result: Result, switches: Sequence[Switch]) -> Judged:
    """Hold every request of a load against the switches, which are in order."""
    good = sorted((record for record in result.records if not record.problem), key=lambda record: record.done)
    around = sorted(record.done - record.sent for record in good if _is_around(record, switches))
    return Judged(
        stale=sum(_is_stale(record, switches) for record in good),
        longest_gap=result.longest_gap,
        longest_gap_around=_longest_gap_around(good, switches),
        p99_around=around[math.ceil(0.99 * len(around)) - 1] if around else 0.0,
        requests_around=len(around),
        first_answers=_first_answers(good, switches),
    )


def _is_stale(record: Record, switches: Sequence[Switch]) -> bool:
    """Whether the old slot answered what was sent after a rename returned.

    What was still in flight when the next switch began may have been passed on after that, so both may answer it.
    """
    index = bisect_right(switches, record.sent, key=lambda switch: switch.renamed) - 1
    if index < 0 or record.version == switches[index].version:
        return False
    return index + 1 == len(switches) or record.done < switches[index + 1].renaming


def _is_around(record: Record, switches: Sequence[Switch]) -> bool:
    index = bisect_right(switches, record.done, key=lambda switch: switch.began) - 1
    return index >= 0 and record.sent <= switches[index].began + AROUND


def _longest_gap_around(good: Sequence[Record], switches: Sequence[Switch]) -> float:
    longest = 0.0
    for switch in switches:
        index = bisect_right(good, switch.began, key=lambda record: record.done)
        while 0 < index < len(good) and good[index - 1].done <= switch.began + AROUND:
            longest = max(longest, good[index].done - good[index - 1].done)
            index += 1
    return longest


def _first_answers(good: Sequence[Record], switches: Sequence[Switch]) -> list[float]:
    found = []
    for switch in switches:
        index = bisect_right(good, switch.renaming, key=lambda record: record.done)
        while index < len(good) and good[index].version != switch.version:
            index += 1
        if index < len(good):
            found.append(good[index].done - switch.renamed)
    return found
