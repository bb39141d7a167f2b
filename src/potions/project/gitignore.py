"""Adds ``/storage`` to the text of a ``.gitignore``, where it is not ignored already."""

from __future__ import annotations

import re

ENTRY = "/storage"

#: Every way to say the directory or all that is in it. ``/storage/*`` leaves room for ``!/storage/.keep``.
_STORAGE = re.compile(r"(?:\*\*/|/)?storage(?:/|/\*|/\*\*|/\*\*/\*)?\Z")
_NEWLINE = re.compile(r"\r\n|\n")


def is_ignored(text: str) -> bool:
    """Whether these lines make Git leave the directory ``storage`` beside them alone. The last word about it counts."""
    ignored = False
    for line in _NEWLINE.split(text.removeprefix("\ufeff")):
        # Git takes spaces at the end away, and nothing else.
        pattern = line.rstrip(" ")
        if _STORAGE.match(pattern.removeprefix("!")):
            ignored = not pattern.startswith("!")
    return ignored


def with_storage(text: str) -> str:
    """The text with the entry at its end; as it is where it says so already. Line ends are those of the text."""
    if is_ignored(text):
        return text
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    unfinished = text and not text.endswith("\n")
    return text + (newline if unfinished else "") + ENTRY + newline
