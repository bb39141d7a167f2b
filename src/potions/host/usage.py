"""Measuring a tree: bytes, files and folders, the file written last, and which folders are the largest."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass

from potions.host.stored_entry import entry_of
from potions.host.walk import Parts, walk
from potions.model.stored import FolderUse, StoredEntry, Use
from potions.names import StoredPath

#: Called with the files and the bytes counted so far.
Report = Callable[[int, int], None]

#: What a file system counts the blocks of a file in, whatever its own are.
_BLOCK = 512


@dataclass
class _Sum:
    bytes: int = 0
    disk_bytes: int = 0
    files: int = 0

    def add(self, other: _Sum) -> None:
        self.bytes += other.bytes
        self.disk_bytes += other.disk_bytes
        self.files += other.files


class Census:
    """Counts everything below a directory's descriptor, once, and changes nothing.

    Links are not followed, a file with several hard links counts once, and what vanishes or may not be read meanwhile
    counts as nothing.
    """

    def __init__(self, *, depth: int = 0, top: int = 0, path: StoredPath | None = None) -> None:
        """Also rank the ``top`` largest folders down to ``depth`` levels below. ``path`` is where it begins."""
        self._path = path or StoredPath()
        self._depth = depth
        self._top = top
        self._sums: list[_Sum] = []
        self._ranked: list[tuple[int, Parts, _Sum]] = []
        self._linked: set[tuple[int, int]] = set()
        self._newest: tuple[Parts, os.stat_result] | None = None
        self._report: Report | None = None
        self._every = self._next_report = 0.0
        self.total = _Sum()
        self.folders = 0

    @property
    def biggest(self) -> list[FolderUse]:
        """The largest folders first."""
        ranked = sorted(self._ranked, key=lambda one: (-one[0], one[1]))
        return [FolderUse(self._path.inside(*parts).encoded, *astuple(found)) for _, parts, found in ranked]

    @property
    def newest(self) -> StoredEntry | None:
        """The file that was written last; None where there is none."""
        return entry_of(self._path.inside(*self._newest[0]), self._newest[1]) if self._newest else None

    def count(self, folder: int, report: Report | None = None, every: float = 0.25) -> Census:
        """Count what is below. ``report`` hears of it ``every`` so many seconds. Raises OSError."""
        self._report, self._every, self._next_report = report, every, time.monotonic() + every
        walk(folder, self._enter, self._leave)
        return self

    def _enter(self, parts: Parts, folder: int) -> list[str]:
        own = _Sum()
        if len(parts) <= self._depth:
            self._sums.append(own)
        self.folders += 1
        inside = self._files(parts, folder, own)
        self.total.add(own)
        if len(parts) > self._depth:
            # Not one to be ranked: it counts for the nearest above it that is.
            self._sums[-1].add(own)
        self._tell()
        return inside

    def _leave(self, parts: Parts) -> None:
        if len(parts) > self._depth:
            return
        done = self._sums.pop()
        if not parts:
            return
        self._sums[-1].add(done)
        heapq.heappush(self._ranked, (done.bytes, parts, done))
        if len(self._ranked) > self._top:
            heapq.heappop(self._ranked)

    def _files(self, parts: Parts, folder: int, own: _Sum) -> list[str]:
        """Count the files of one directory and name the directories in it."""
        inside = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    inside.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    self._file(parts, entry, own)
        return inside

    def _file(self, parts: Parts, entry: os.DirEntry[str], own: _Sum) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if status.st_nlink > 1:
            identity = (status.st_dev, status.st_ino)
            if identity in self._linked:
                return
            self._linked.add(identity)
        own.bytes += status.st_size
        own.disk_bytes += status.st_blocks * _BLOCK
        own.files += 1
        if self._newest is None or status.st_mtime > self._newest[1].st_mtime:
            self._newest = (*parts, entry.name), status

    def _tell(self) -> None:
        if self._report is not None and time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + self._every
            self._report(self.total.files, self.total.bytes)


def use_of(census: Census, path: StoredPath, seconds: float) -> Use:
    """What a census found, as it is told."""
    return Use(
        path=path.encoded,
        bytes=census.total.bytes,
        disk_bytes=census.total.disk_bytes,
        files=census.total.files,
        folders=census.folders - 1,
        newest=census.newest,
        biggest=census.biggest,
        seconds=seconds,
    )
