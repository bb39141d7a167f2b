"""The names that files get in a zip, so that Windows opens it too: readable, harmless, and each of them once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

Parts = tuple[str, ...]

#: What no name on Windows has in it. A backslash would be taken for a slash there, and lead anywhere.
_REFUSED = re.compile('[\x00-\x1f\x7f"*:<>?|\\\\]')
_ENDS = re.compile(r"[. ]\Z")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE)


class ZipNames:
    """Gives each entry its name in the zip. A folder is entered before what is in it; nothing is asked about twice."""

    def __init__(self) -> None:
        self._names: dict[Parts, str] = {}

    def enter(self, parts: Parts, inside: Iterable[str]) -> str:
        """Choose the names of what is in a folder; returns the folder's own, which is empty for the outermost."""
        own = self.take(parts) if parts else ""
        above = f"{own}/" if parts else ""
        taken: dict[str, int] = {}
        for name in inside:
            self._names[(*parts, name)] = above + _distinct(windows_name(name), taken)
        return own

    def take(self, parts: Parts) -> str:
        """The name of an entry whose folder was entered."""
        return self._names.pop(parts)


def windows_name(name: str) -> str:
    """A name as Windows takes it. Bytes that are no UTF-8, and characters that it refuses, become ``%`` and digits."""
    text = "".join(map(_readable, name))
    text = _REFUSED.sub(lambda found: f"%{ord(found[0]):02X}", text)
    text = _ENDS.sub(lambda found: f"%{ord(found[0]):02X}", text)
    return f"_{text}" if _DEVICES.match(text) else text


def _readable(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "".join(f"%{byte:02X}" for byte in os.fsencode(character))
    return character


def _distinct(name: str, taken: dict[str, int]) -> str:
    """``a.jpg``, or ``a (2).jpg`` where ``A.jpg`` is there: for Windows both are the same.

    ``taken`` has what there is, in lower case, and how often it was wanted.
    """
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    chosen, wanted = name, name.casefold()
    while chosen.casefold() in taken:
        taken[wanted] += 1
        chosen = f"{stem} ({taken[wanted]}){dot}{ending}"
    taken[chosen.casefold()] = 1
    return chosen
