"""File systems: what is left on them, and what kind they are of."""

from __future__ import annotations

import os
from pathlib import Path

from potions.model.doctor.room import DiskSeen

_MOUNTS = Path("/proc/self/mountinfo")
#: Columns of a line: the device before, the kind behind the dash.
_DEVICE = 2


def look_at_disk(path: Path) -> DiskSeen:
    """The file system that a directory is on. Raises OSError."""
    left = os.statvfs(path)
    return DiskSeen(
        path=str(path),
        free=left.f_bavail * left.f_frsize,
        total=left.f_blocks * left.f_frsize,
        free_inodes=left.f_favail,
        inodes=left.f_files,
        read_only=bool(left.f_flag & os.ST_RDONLY),
        kind=_kind_of(path.stat().st_dev),
    )


def _kind_of(device: int) -> str:
    wanted = f"{os.major(device)}:{os.minor(device)}".encode()
    for line in _MOUNTS.read_bytes().splitlines():
        before, _, behind = line.partition(b" - ")
        if before.split()[_DEVICE] == wanted:
            return os.fsdecode(behind.split()[0])
    return ""
