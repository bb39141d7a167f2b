"""The beginning of a stored file as text, where it is text."""

from __future__ import annotations

import codecs
from typing import NamedTuple

#: How much of a file is looked at, in bytes.
PREVIEW_BYTES = 256 * 1000

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
#: Control characters that stand in text: tab, line feed, form feed, carriage return, escape.
_FINE = b"\t\n\x0c\r\x1b"
_CONTROLS = bytes(set(range(32)) - set(_FINE))


class TextPreview(NamedTuple):
    """The beginning of a text."""

    text: str
    encoding: str
    """For people."""
    is_cut: bool
    """Whether the file goes on."""


def text_preview(begin: bytes, size: int) -> TextPreview | None:
    """The text of a file of ``size`` bytes that begins so; None where it is no text."""
    is_cut = size > len(begin)
    for mark, codec, called in _BYTE_ORDER_MARKS:
        if begin.startswith(mark):
            return TextPreview(begin.decode(codec, "replace"), called, is_cut)
    if begin.translate(None, _CONTROLS) != begin:
        return None
    try:
        # What was cut off in the middle of a character is no mistake of the file.
        return TextPreview(codecs.getincrementaldecoder("utf-8")().decode(begin, not is_cut), "UTF-8", is_cut)
    except UnicodeDecodeError:
        return TextPreview(begin.decode("cp1252", "replace"), "Windows-1252, as it seems", is_cut)
