"""Files that were to be gone by now, in directories of the platform's own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from potions.host.doctor.entries import files_in, names_in
from potions.model.doctor.leftovers import LeftSeen, is_temporary, is_upload


def temporary_in(folders: Iterable[Path], now: float) -> list[str]:
    """Temporary files and links that nobody renames any more."""
    return [
        str(path)
        for folder in folders
        for path, status in files_in(folder)
        if is_temporary(path.name, now - status.st_mtime)
    ]


def uploads_in(folder: Path) -> list[LeftSeen]:
    """Uploads that this process, which alone receives them, does not have open."""
    coming = _open_here()
    return [
        LeftSeen(str(path), status.st_size)
        for path, status in files_in(folder)
        if is_upload(path.name) and (status.st_dev, status.st_ino) not in coming
    ]


def _open_here() -> set[tuple[int, int]]:
    """What this process has open, by device and inode."""
    found = set()
    for name in names_in(Path("/proc/self/fd")):
        try:
            status = os.fstat(int(name))
        except OSError:
            continue
        found.add((status.st_dev, status.st_ino))
    return found
