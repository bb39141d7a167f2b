"""What a page makes of a deployment's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from potions.dashboard.transcript import ROWS_MAX, Progress, Transcript, read, row_of
from potions.schema import Event, EventKind

AT = datetime(2026, 11, 27, 12, 30, 5, tzinfo=UTC)


def began(step: str) -> Event:
    return Event(AT, EventKind.BEGAN, step)


def test_a_step_is_as_far_as_the_log_says() -> None:
    """Begun, counted, done; one that failed stays failed when it is undone."""
    log = read(
        [
            began("unpack"),
            Event(AT, EventKind.PROGRESS, "unpack", done=500, total=2000),
            Event(AT, EventKind.ENDED, "unpack", seconds=1.25),
            began("build"),
            Event(AT + timedelta(seconds=4), EventKind.FAILED, "build", "It broke."),
            Event(AT, EventKind.UNDONE, "build"),
            Event(AT, EventKind.UNDONE, "unpack"),
            began("start"),
        ]
    )
    assert [(step.name, step.progress, step.took) for step in log.steps] == [
        ("unpack", Progress.UNDONE, "1.2 s"),
        ("build", Progress.FAILED, "4.0 s"),
        ("start", Progress.RUNNING, ""),
    ]
    assert log.steps[0].amount == "500 bytes of 2.0 kB"


def test_a_step_that_is_begun_again_stands_where_it_runs() -> None:
    """After a crash the agent does it once more."""
    log = read([began("switch"), began("confirm"), Event(AT, EventKind.ENDED, "confirm"), began("switch")])
    assert [(step.name, step.progress) for step in log.steps] == [
        ("confirm", Progress.DONE),
        ("switch", Progress.RUNNING),
    ]


def test_only_the_end_of_a_long_log_is_kept() -> None:
    """A page of 100,000 lines would freeze; all of them are counted."""
    log = read(Event(AT, EventKind.OUTPUT, "build", f"line {number}") for number in range(100_000))
    assert (log.count, len(log.rows), log.left_out) == (100_000, ROWS_MAX, 100_000 - ROWS_MAX)
    assert log.rows[-1].text == "line 99999"


def test_long_lines_are_kept_by_their_length() -> None:
    """2,000 lines of 4,000 characters are too much for a page as well."""
    log = read(Event(AT, EventKind.OUTPUT, "build", "x" * 4000) for _ in range(1000))
    assert len(log.rows) == 250


def test_progress_moves_a_bar_and_is_no_line() -> None:
    """A long upload would bury everything else."""
    transcript = Transcript()
    transcript.take(Event(AT, EventKind.PROGRESS, "unpack", done=1, total=2))
    assert (transcript.count, transcript.rows) == (1, [])
    assert row_of(Event(AT, EventKind.PROGRESS, "unpack")) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[32mgreen\x1b[0m", "green"),
        ("a\rdata: x\n\nb", "a\\rdata: x\\n\\nb"),
        ("\u202eevil", "\\u202eevil"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_a_line_is_one_line_of_plain_text(text: str, shown: str) -> None:
    """No terminal sequence, no other line, no other direction; markup is left to the template, which escapes it."""
    row = row_of(Event(AT, EventKind.OUTPUT, "build", text))
    assert row is not None
    assert (row.text, row.plain) == (shown, f"12:30:05  {shown}\n")


def test_a_failure_keeps_its_lines() -> None:
    """What, why and what to do stand below each other."""
    row = row_of(Event(AT, EventKind.FAILED, "build", "It broke.\nThe disk is full.\nMake room."))
    assert row is not None
    assert row.text == "build failed: It broke.\nThe disk is full.\nMake room."
