"""How a download is called: whatever bytes a name has, a header stays one header, and nothing leads elsewhere."""

from __future__ import annotations

import os
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.downloads import attachment


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.txt", "attachment; filename=\"plain.txt\"; filename*=UTF-8''plain.txt"),
        ('a"b;c.txt', "attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a_b%3Bc.txt"),
        (
            "line\r\nSet-Cookie: x",
            "attachment; filename=\"line__Set-Cookie_ x\"; filename*=UTF-8''line__Set-Cookie_%20x",
        ),
        ("Grüße.pdf", "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf"),
        (os.fsdecode(b"caf\xe9.bin"), "attachment; filename=\"caf_.bin\"; filename*=UTF-8''caf_.bin"),
        ("gnp.\N{RIGHT-TO-LEFT OVERRIDE}exe", "attachment; filename=\"gnp._exe\"; filename*=UTF-8''gnp._exe"),
        ("..\\..\\boot.ini", "attachment; filename=\"_.._boot.ini\"; filename*=UTF-8''_.._boot.ini"),
        ("...", "attachment; filename=\"file\"; filename*=UTF-8''file"),
    ],
)
def test_hostile_names_are_told_as_rfc_6266_has_them(name: str, expected: str) -> None:
    """A plain name for old programs, and the whole one."""
    assert attachment(name) == expected


@given(st.binary(min_size=1, max_size=255))
def test_any_name_is_one_header_that_names_a_file_right_here(name: bytes) -> None:
    """No line end, no quote that ends it early, no folder, and never longer than a file system takes."""
    header = attachment(os.fsdecode(name))
    assert header.isascii() and header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    saved = unquote(header.partition("filename*=UTF-8''")[2])
    for each in (saved, message.get_param("filename", header="Content-Disposition")):
        assert each and not set("/\\\r\n\0") & set(str(each)) and not str(each).startswith(".")
    assert len(saved) <= 80


def test_a_long_name_keeps_its_end() -> None:
    """What kind of file it is shows there."""
    assert attachment("x" * 300 + ".jpeg").endswith("x" * 75 + ".jpeg")
