"""What an app's processes really got, as the kernel tells it, and where on disk a value can be found."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil

from support.platform import Platform


def environ(potions: Platform, app: str) -> list[bytes]:
    """The environment of the process that answers for an app, entry by entry: also one that is there twice."""
    pid = potions.get(app).json()["pid"]
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")[:-1]


def value_of(potions: Platform, app: str, name: str) -> bytes | None:
    """The value of one variable of the process that answers; None where it has none. It must not be there twice."""
    found = [entry.split(b"=", 1)[1] for entry in environ(potions, app) if entry.split(b"=", 1)[0] == name.encode()]
    assert len(found) <= 1, f"{name} is there {len(found)} times"
    return found[0] if found else None


def files_with(folder: Path, needle: bytes) -> dict[Path, int]:
    """Every file below ``folder`` with these bytes in it, and its mode."""
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in _files(folder) if needle in path.read_bytes()}


def command_lines_with(needle: str) -> list[str]:
    """The command lines of this computer's processes with this text in them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found += [word for word in process.cmdline() if needle in word]
    return found


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path
