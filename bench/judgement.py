"""The judgement on a load that ran across switches: stale answers, gaps, latencies around the switches. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from support.load_result import Record, Result

#: A request counts as made around an instant if it was in flight within so many seconds of it.
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


class Around(NamedTuple):
    """What a load says of the time around some instants. Times are seconds."""

    requests: int
    """How many were in flight within `AROUND` of one."""
    p99: float
    """Their 99th percentile. Long requests are more likely to be among them: compare it with nothing but another."""
    longest_gap: float
    """The longest time without an answer that began before the end of such a span."""


@dataclass(frozen=True)
class Judged:
    """What a load says of the switches it ran across."""

    stale: int
    """Answers of the old slot to requests that were sent after the rename returned."""
    switching: Around
    control: Around
    """The same around the instants half way between two switches: what the computer does when nothing is switched."""
    first_answers: list[float]
    """Seconds from each rename to the end of the first answer of the version it pointed at."""


def judge(result: Result, switches: Sequence[Switch]) -> Judged:
    """Hold every request of a load against the switches, which are in order."""
    good = sorted((record for record in result.records if not record.problem), key=lambda record: record.done)
    instants = [switch.began for switch in switches]
    return Judged(
        stale=sum(_is_stale(record, switches) for record in good),
        switching=_look_around(good, instants),
        control=_look_around(good, [(before + after) / 2 for before, after in pairwise(instants)]),
        first_answers=_first_answers(good, switches),
    )


def _look_around(good: Sequence[Record], instants: Sequence[float]) -> Around:
    latencies = sorted(record.done - record.sent for record in good if _is_around(record, instants))
    p99 = latencies[math.ceil(0.99 * len(latencies)) - 1] if latencies else 0.0
    return Around(len(latencies), p99, max((_gap_around(good, instant) for instant in instants), default=0.0))


def _is_stale(record: Record, switches: Sequence[Switch]) -> bool:
    """Whether the old slot answered what was sent after a rename returned.

    What was still in flight when the next switch began may have been passed on after that, so both may answer it.
    """
    index = bisect_right(switches, record.sent, key=lambda switch: switch.renamed) - 1
    if index < 0 or record.version == switches[index].version:
        return False
    return index + 1 == len(switches) or record.done < switches[index + 1].renaming


def _is_around(record: Record, instants: Sequence[float]) -> bool:
    index = bisect_right(instants, record.done) - 1
    return index >= 0 and record.sent <= instants[index] + AROUND


def _gap_around(good: Sequence[Record], instant: float) -> float:
    longest = 0.0
    index = bisect_right(good, instant, key=lambda record: record.done)
    while 0 < index < len(good) and good[index - 1].done <= instant + AROUND:
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
