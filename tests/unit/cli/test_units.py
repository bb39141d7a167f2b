"""Sizes and times read as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from potions.cli.units import age, contents, duration, size, took

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (-1, "0.0 s"),
        (9.96, "10.0 s"),
        (42.4, "42 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3_780, "1 h 3 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    """The unit grows with the time."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=42), "42 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=40), "2026-10-14"),
    ],
)
def test_ages(ago: timedelta, words: str) -> None:
    """What is long ago becomes a date."""
    assert age(NOW - ago, NOW) == words


def test_sizes() -> None:
    """Sizes are powers of 1000, with the number of files beside them."""
    assert size(18_000_000) == "18.0 MB"
    assert contents(1, 1) == "1 file, 1 byte"
    assert contents(2_400, 0) == "2,400 files, 0 bytes"


def test_a_time_with_an_open_end_is_not_said() -> None:
    """What has not ended took no time yet."""
    assert took(NOW, None) == ""
    assert took(NOW, NOW + timedelta(seconds=4.2)) == "4.2 s"
