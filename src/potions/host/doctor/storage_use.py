"""Which files of a storage the app's processes have open for writing or locked right now, as the app's user.

Seen through /proc: no file of the app is opened for it, but the first bytes of those in use.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from potions.host.descriptors import directory
from potions.host.doctor.lock_table import read_locks
from potions.host.doctor.storage_names import engine_by_bytes, engine_by_names, path_of
from potions.host.doctor.storage_walk import Bounds, head_of
from potions.model.doctor.storage_seen import Engine, FileInUse, FilesInUse, Holder

_FLAGS = re.compile(rb"^flags:\s*([0-7]+)", re.MULTILINE)
_SIDE_FILES = re.compile(r"-(wal|shm|journal)\Z")
#: So many files are told one by one.
_MOST = 40
_DELETED = " (deleted)"


class Process(msgspec.Struct, frozen=True):
    """A process of the app."""

    pid: int
    slot: str
    process: str


class _Open(NamedTuple):
    """A file below the storage that a process has open."""

    path: str
    inode: int
    writes: bool
    appends: bool


def look_at_use(storage: Path, processes: list[Process], bounds: Bounds) -> FilesInUse:
    """The files that they write to or lock. Raises OSError for no directory."""
    until = time.monotonic() + bounds.seconds
    with directory(storage) as root:
        # As the kernel calls it, whatever links lead to it.
        top = os.readlink(f"/proc/self/fd/{root}")  # noqa: PTH115
        use = _Use(root)
        for count, process in enumerate(processes):
            if time.monotonic() > until:
                return use.seen(f"Only {count:,} of {len(processes):,} processes were looked at.")
            use.add(process, list(_open_files(process.pid, top)))
        return use.seen("")


class _Use:
    """What is known so far, by file."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._paths: dict[int, str] = {}
        self._writers: dict[int, list[Holder]] = {}
        self._lockers: dict[int, list[Holder]] = {}
        self._locks = {(lock.pid, lock.inode) for lock in read_locks() if lock.whole}

    def add(self, process: Process, files: list[_Open]) -> None:
        for inode in {file.inode for file in files}:
            own = [file for file in files if file.inode == inode]
            writing = [file for file in own if file.writes]
            self._paths[inode] = own[0].path
            if writing:
                self._hold(self._writers, inode, process, appends=all(file.appends for file in writing))
            if (process.pid, inode) in self._locks:
                self._hold(self._lockers, inode, process, appends=False)

    def _hold(self, held: dict[int, list[Holder]], inode: int, process: Process, *, appends: bool) -> None:
        held.setdefault(inode, []).append(Holder(process.pid, process.slot, process.process, appends))

    def seen(self, stopped: str) -> FilesInUse:
        used = sorted({*self._writers, *self._lockers}, key=lambda inode: self._paths[inode])
        return FilesInUse([self._file(inode) for inode in used[:_MOST]], stopped)

    def _file(self, inode: int) -> FileInUse:
        parts = self._paths[inode].split("/")
        return FileInUse(
            path=path_of(parts),
            writers=self._writers.get(inode, []),
            lockers=self._lockers.get(inode, []),
            engine=_engine_of(self._root, parts),
        )


def _open_files(pid: int, top: str) -> Iterator[_Open]:
    """The regular files below ``top`` that a process has open; none of one that is gone."""
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path).removesuffix(_DELETED)  # noqa: PTH115
                # Only what lies below is asked for more: a stat(2) of anything else may wait for a dead server.
                if target.startswith(f"{top}/"):
                    yield from _open_file(pid, entry.name, target.removeprefix(f"{top}/"))


def _open_file(pid: int, number: str, path: str) -> Iterator[_Open]:
    status = Path(f"/proc/{pid}/fd/{number}").stat()
    if stat.S_ISREG(status.st_mode):
        found = _FLAGS.search(Path(f"/proc/{pid}/fdinfo/{number}").read_bytes())
        flags = int(found[1], 8) if found else 0
        yield _Open(path, status.st_ino, flags & os.O_ACCMODE != os.O_RDONLY, bool(flags & os.O_APPEND))


def _engine_of(root: int, parts: list[str]) -> Engine | None:
    """The kind of database that a file is, or belongs to."""
    folder = root
    with ExitStack() as opened:
        try:
            for part in parts[:-1]:
                folder = opened.enter_context(directory(part, within=folder))
            name = _SIDE_FILES.sub("", parts[-1])
            return engine_by_bytes(head_of(name, folder)) or engine_by_names(os.listdir(folder))  # noqa: PTH208
        except OSError:
            return None
