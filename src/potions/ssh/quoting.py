"""Words for a shell at the other end: SSH hands a command over as one line of text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def quoted(word: str) -> str:
    """One word, whatever is in it. Raises ValueError for what no shell can be handed."""
    if "\0" in word:
        raise ValueError("a NUL cannot be part of a command")
    return shlex.quote(word)


def command_line(words: Sequence[str]) -> str:
    """Words as a shell reads them back, one by one."""
    return " ".join(quoted(word) for word in words)
