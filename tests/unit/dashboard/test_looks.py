"""Words for sizes, moments and durations, and that a template shows text as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potions.dashboard.looks import STATIC, ago, asset, count, make_engine, moment, seconds, size


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "not measured yet"),
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (123_456_789, "123 MB"),
        (5_000_000_000_000, "5.0 TB"),
        (10**19, "10000 PB"),
    ],
)
def test_a_size_is_told_in_units_of_a_thousand(number: int | None, words: str) -> None:
    """Three digits at most where there is a larger unit."""
    assert size(number) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(value: float | None, words: str) -> None:
    """Tenths only where they say something."""
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=4), "4 days ago"),
        (timedelta(days=100), "3 months ago"),
        (timedelta(days=1000), "2 years ago"),
        (timedelta(minutes=-61), "in 1 h"),
    ],
)
def test_a_moment_is_told_by_its_distance(past: timedelta, words: str) -> None:
    """To both sides: a trash is emptied in the future."""
    assert ago(datetime.now(UTC) - past - timedelta(milliseconds=200 if past > timedelta() else -200)) == words


def test_a_moment_in_full_is_in_utc() -> None:
    """Whatever zone it was made in."""
    assert moment(datetime.fromisoformat("2026-11-27T15:03:12+01:00")) == "2026-11-27 14:03:12 UTC"
    assert ago(None) == "never"


def test_what_is_counted_agrees_with_its_number() -> None:
    """One file, two files, and thousands are set apart."""
    assert [count(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]
    assert count(2, "entry", "entries") == "2 entries"


def test_an_assets_address_has_its_hash_in_it() -> None:
    """So that a browser may keep it for good."""
    name, _, digest = asset("potions.css").partition("?v=")
    assert (STATIC / name.removeprefix("/static/")).is_file()
    assert len(digest) == 12


TEMPLATE = make_engine().engine.from_string("<p>{{ text }}</p>")


@settings(deadline=None)
@given(st.text())
def test_text_stays_text(text: str) -> None:
    """Whatever an app, a file's name or a variable says."""
    shown = TEMPLATE.render(text=f"<script>{text}</script>")
    assert "<script>" not in shown
