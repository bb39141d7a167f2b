"""Foreign text made harmless: also text that was made to take long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.harmless import sanitise

BEGINNINGS = ["\x9b", "\x90", "\x98", "\x9d", "\x9e", "\x9f", "\x1b", "\x1b[", "\x1b]", "\x1b[0", "\x9d0;a", "\x1b]0;"]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_megabyte_of_beginnings_comes_to_an_end(beginning: str) -> None:
    """None of them ends. Read anew from each, this would take hours."""
    assert "\x1b" not in sanitise(beginning * (1_000_000 // len(beginning)))


@pytest.mark.parametrize("ended", ["\x1b]0;title\x07", "\x9d0;title\x9c", "\x1b]52;c;aGk=\x1b\\", "\x1b[31m", "\x9b2J"])
def test_a_whole_sequence_is_dropped(ended: str) -> None:
    """Titles, the clipboard, colours."""
    assert sanitise(f"a{ended}b") == "ab"


@given(st.text())
def test_what_is_left_only_shows(text: str) -> None:
    """No control character but the tab, and it is harmless already."""
    shown = sanitise(text)
    assert all(one == "\t" or (ord(one) >= 32 and not 0x7F <= ord(one) < 0xA0) for one in shown)
    assert sanitise(shown) == shown
