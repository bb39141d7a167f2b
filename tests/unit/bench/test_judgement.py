"""The judgement of the benches on a load across switches: it sees what is wrong, and only that."""

from __future__ import annotations

import pytest
from bench.judgement import Switch, judge

from support.load_result import Record, Result

#: To version 2 at 10 s, back to version 1 at 20 s; each rename takes 1 ms.
SWITCHES = [Switch(10.0, 10.010, 10.011, 10.020, "2"), Switch(20.0, 20.010, 20.011, 20.020, "1")]


def load(*records: Record) -> Result:
    """A load from 0 to 30 s."""
    return Result(list(records), 0.0, 30.0)


@pytest.mark.parametrize(
    ("record", "stale"),
    [
        (Record(9.0, 9.1, "1"), 0),
        (Record(10.005, 10.1, "1"), 0),
        (Record(10.0115, 10.1, "1"), 1),
        (Record(10.0115, 10.1, "2"), 0),
        (Record(19.0, 19.9, "1"), 1),
        (Record(19.0, 20.2, "1"), 0),
        (Record(21.0, 21.1, "2"), 1),
        (Record(21.0, 21.1, "1"), 0),
    ],
)
def test_an_answer_of_the_old_slot_to_a_later_request_is_stale(record: Record, stale: int) -> None:
    """What was sent after a rename returned, and ended before the next one, has to come from the new version."""
    assert judge(load(record), SWITCHES).stale == stale


def test_a_gap_at_a_switch_is_told_apart_from_one_elsewhere() -> None:
    """The gap around a switch is that of the switch, not a longer one elsewhere; half way to the next there is none."""
    instants = [index / 10 for index in range(300) if not (50 < index < 80) and not (100 < index < 104)]
    judged = judge(load(*(Record(instant - 0.01, instant, "1") for instant in instants)), SWITCHES)
    assert judged.switching.longest_gap == pytest.approx(0.4)
    assert judged.control.longest_gap == pytest.approx(0.1)


def test_the_latency_around_a_switch_is_that_of_what_was_in_flight() -> None:
    """A slow request counts if it was in flight at a switch or sent shortly after, and not if it was elsewhere."""
    slow_elsewhere = Record(5.0, 7.0, "1")
    assert judge(load(slow_elsewhere, Record(10.05, 10.06, "2")), SWITCHES).switching.p99 == pytest.approx(0.01)
    assert judge(load(slow_elsewhere, Record(9.0, 10.5, "1")), SWITCHES).switching.p99 == pytest.approx(1.5)
    assert judge(load(slow_elsewhere), SWITCHES).switching.requests == 0


def test_the_first_answer_is_that_of_the_new_version() -> None:
    """From the rename to the end of the first answer of the version it pointed at."""
    records = [
        Record(10.0, 10.012, "1"),
        Record(10.011, 10.015, "2"),
        Record(20.0, 20.015, "2"),
        Record(20.0, 20.02, "1"),
    ]
    assert judge(load(*records), SWITCHES).first_answers == pytest.approx([0.004, 0.009])


def test_a_failed_request_is_no_answer() -> None:
    """It is counted as failed by the load, and here neither as stale nor as an answer."""
    judged = judge(load(Record(10.02, 10.03, "1", "kept-alive: status 502")), SWITCHES)
    assert (judged.stale, judged.switching.requests, judged.first_answers) == (0, 0, [])
