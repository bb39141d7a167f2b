"""The kernel's table of file locks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLE = Path("/proc/locks")
_FIELDS = 8


class FileLock(NamedTuple):
    """A lock that is held, by flock(2) or fcntl(2)."""

    pid: int
    inode: int
    whole: bool
    """Nobody else may have any part of the file."""


def read_locks() -> Iterator[FileLock]:
    """Every lock that is held; those that somebody only waits for are left out."""
    try:
        lines = _TABLE.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if len(fields) == _FIELDS and fields[1] in {"FLOCK", "POSIX", "OFDLCK"}:
            _, _, _, how, pid, place, start, end = fields
            whole = how == "WRITE" and start == "0" and end == "EOF"
            yield FileLock(int(pid), int(place.rpartition(":")[2]), whole)
