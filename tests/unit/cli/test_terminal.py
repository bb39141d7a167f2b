"""The way out of a connection that hangs, found among what is typed."""

from __future__ import annotations

import pytest

from potions.cli.terminal import Escape


@pytest.mark.parametrize(
    ("typed", "passed", "left"),
    [
        (b"ls\r", b"ls\r", False),
        (b"~.", b"", True),
        (b"ls\r~.", b"ls\r", True),
        (b"ls\n~.rest", b"ls\n", True),
        (b"~~.", b"~.", False),
        (b"~/bin", b"~/bin", False),
        (b"cd ~.", b"cd ~.", False),
        (b"a~.", b"a~.", False),
        (b"~\r~.", b"~\r", True),
        (b"~~\r~~\r", b"~\r~\r", False),
        ("é~.\r".encode(), "é~.\r".encode(), False),
        (b"", b"", False),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_only_at_the_beginning_of_a_line(typed: bytes, passed: bytes, left: bool, at_once: bool) -> None:
    """However the keys come: in one piece or one by one."""
    escape = Escape()
    pieces = [typed] if at_once else [bytes([byte]) for byte in typed]
    got = b""
    for piece in pieces:
        if not escape.left:
            got += escape.pass_on(piece)
    assert (got, escape.left) == (passed, left)
