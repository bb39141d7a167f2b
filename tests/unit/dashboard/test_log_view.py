"""Lines of a log as a page shows them."""

from __future__ import annotations

import pytest

from potions.dashboard.log_view import shown_line
from potions.layout import Colour
from potions.schema import LogLine


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[32mgreen\x1b[0m", "green"),
        ("\x1b[1;38;5;200mbold\x1b[K", "bold"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("plain [32m] <b>", "plain [32m] <b>"),
    ],
)
def test_what_only_a_terminal_understands_is_left_out(printed: str, shown: str) -> None:
    """The words of a line stay."""
    assert shown_line(LogLine(Colour.BLUE, printed)).text == shown


def test_a_line_without_end_is_cut() -> None:
    """A page of megabytes shows nothing to anybody."""
    assert len(shown_line(LogLine(Colour.BLUE, "x" * 10**6)).text) < 6000
