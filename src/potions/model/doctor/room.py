"""Room: bytes and inodes that are left where the home and the storages lie."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from potions.model.doctor.cures import EMBEDDED, Cures
from potions.model.doctor.finding import Finding, Kind, Severity

DISK_FULL = Kind(
    "disk-full",
    Severity.ERROR,
    "So little is left on the disk that deploys are refused, and soon nothing can be written.",
    "Make room. What each app uses: potions apps show APP",
)
DISK_LOW = Kind(
    "disk-low",
    Severity.WARNING,
    "The disk is nearly full.",
    "Make room. What each app uses: potions apps show APP",
)
INODES_LOW = Kind(
    "inodes-low",
    Severity.WARNING,
    "The file system can hold few more files, whatever their size.",
    "Remove what has many small files: df -i says where",
)
DISK_READ_ONLY = Kind(
    "disk-read-only",
    Severity.ERROR,
    "The file system can only be read, as after an error of the disk.",
    "See why: dmesg; then mount it writable again",
)
IN_MEMORY = Kind(
    "in-memory",
    Severity.INFO,
    "It lies in memory (tmpfs): all of it is gone when the computer restarts.",
    "For what has to stay, choose another home: POTIONS_HOME=~/potions potions up; on a server mount a disk there",
)

KINDS = (DISK_FULL, DISK_LOW, INODES_LOW, DISK_READ_ONLY, IN_MEMORY)

#: How many times the room that a deploy leaves free is nearly full.
_LOW = 16
_FEW_INODES_SHARE = 0.02


class DiskSeen(msgspec.Struct, frozen=True):
    """A file system, and a path on it by which people know it."""

    path: str
    free: int
    """Bytes that are left for this user."""
    total: int
    free_inodes: int
    inodes: int
    """0 where the file system does not count them."""
    read_only: bool = False
    kind: str = ""
    """As ``mount`` says it: ``ext4``."""


def judge_room(seen: DiskSeen, kept: int, cures: Cures = EMBEDDED) -> Iterator[Finding]:
    """``kept``: the bytes that a deploy leaves free for everything else."""
    if seen.read_only:
        yield DISK_READ_ONLY.found(f"The file system of {seen.path} can only be read.", place=seen.path)
    if seen.kind == "tmpfs":
        yield IN_MEMORY.found(f"{seen.path} lies in memory.", place=seen.path, do=cures.memory_disk)
    if seen.free < kept:
        yield _short_of_bytes(DISK_FULL, seen, kept)
    elif seen.free < kept * _LOW:
        yield _short_of_bytes(DISK_LOW, seen, kept * _LOW)
    if seen.inodes and seen.free_inodes < seen.inodes * _FEW_INODES_SHARE:
        yield INODES_LOW.found(
            f"{seen.free_inodes:,} of {seen.inodes:,} inodes are left where {seen.path} lies.", place=seen.path
        )


def words_of(seen: DiskSeen) -> str:
    """A disk in short."""
    return f"{size_words(seen.free)} of {size_words(seen.total)} are free"


def _short_of_bytes(kind: Kind, seen: DiskSeen, wanted: int) -> Finding:
    return kind.found(
        f"{size_words(seen.free)} of {size_words(seen.total)} are left where {seen.path} lies.",
        place=seen.path,
        expected=f"{size_words(wanted)} or more.",
    )


def size_words(count: int) -> str:
    """Bytes as the rest of Potions says them, in powers of 1000: ``18.0 MB``."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:,.1f} {unit}"
    return f"{count} bytes"
