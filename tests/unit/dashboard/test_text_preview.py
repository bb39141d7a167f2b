"""The beginning of a file as text, where it is text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.text_preview import text_preview


@pytest.mark.parametrize(
    ("begin", "text", "encoding"),
    [
        (b"", "", "UTF-8"),
        ("Grüße\n".encode(), "Grüße\n", "UTF-8"),
        ("Grüße".encode("utf-16"), "Grüße", "UTF-16"),
        (b"\xef\xbb\xbfhello", "hello", "UTF-8"),
        ("Grüße".encode("latin-1"), "Grüße", "Windows-1252, as it seems"),
    ],
)
def test_text_is_read_in_the_encoding_that_it_has(begin: bytes, text: str, encoding: str) -> None:
    """As far as bytes say."""
    assert text_preview(begin, len(begin)) == (text, encoding, False)


@pytest.mark.parametrize("begin", [b"SQLite format 3\0", b"\x89PNG\r\n\x1a\n\0", b"a\x01b"])
def test_what_has_other_controls_than_text_has_is_none(begin: bytes) -> None:
    """Nobody is shown a page of noise."""
    assert text_preview(begin, len(begin)) is None


def test_a_character_cut_at_the_end_is_no_mistake() -> None:
    """Only the preview ends there."""
    assert text_preview("abä".encode()[:-1], 100) == ("ab", "UTF-8", True)


@given(st.binary(max_size=500), st.integers(0, 1000))
def test_any_bytes_have_an_answer(begin: bytes, more: int) -> None:
    """And what is told fits a page."""
    preview = text_preview(begin, len(begin) + more)
    assert preview is None or len(preview.text.encode()) <= 4 * len(begin)
