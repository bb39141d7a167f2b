"""What an archive holds, whichever format it has: one value for each member, as a reader found it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

import msgspec


class MemberKind(Enum):
    """What a member is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    """A symbolic link to ``target``."""
    HARD_LINK = "hard link"
    """Another name for the earlier member ``target``."""
    ODD = "odd"
    """What no release may have; ``reason`` says what it is."""


def _nothing() -> Iterator[memoryview]:
    return iter(())


class Member(msgspec.Struct, frozen=True):
    """One member. Bytes of ``name`` and ``target`` that are no UTF-8 are surrogates, as in every path of Python."""

    name: str
    kind: MemberKind
    target: str = ""
    executable: bool = False
    mtime: float = 0.0
    size: int = 0
    content: Callable[[], Iterator[memoryview]] = _nothing
    """A file's bytes, exactly ``size``; asked for before the next member is, or not at all. Each piece is good until
    the next is asked for."""
    reason: str = ""
