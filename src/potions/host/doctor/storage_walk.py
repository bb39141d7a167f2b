"""A walk through a storage, as the app's user: what lies there, in at most so many seconds and names.

By descriptors, never through a link; only regular files are opened, for their first bytes, and nothing is changed, not
even the time a file was read last. What lies near the top is seen first: databases are there, and uploads are deep.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from potions.host.descriptors import directory
from potions.host.doctor.lock_table import read_locks
from potions.host.doctor.storage_names import Finds, path_of
from potions.model.doctor.storage_seen import StorageSeen

_Parts = tuple[str, ...]

#: Bytes of a file's head that tell what it is.
_HEAD = 100
#: Directories below each other. To open one from the top costs as much as it is deep.
_DEEPEST = 200
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_EVERYBODY = stat.S_IWOTH


class Bounds(msgspec.Struct, frozen=True):
    """How long a look may take, and how much it may see."""

    names: int = 100_000
    seconds: float = 10.0


def walk_storage(storage: Path, owner: int, bounds: Bounds) -> StorageSeen:
    """What lies in a storage. ``owner`` is the user id of the app's user. Raises OSError for no directory."""
    with directory(storage) as root:
        return _Walk(root, owner, bounds).whole()


class _Full(Exception):
    """The bounds are reached."""


class _Walk:
    """One walk. The directories to visit are kept by name and opened from the top, however many there are."""

    def __init__(self, root: int, owner: int, bounds: Bounds) -> None:
        self._root = root
        self._device = os.fstat(root).st_dev
        self._owner = owner
        self._bounds = bounds
        self._began = time.monotonic()
        self._later: deque[_Parts] = deque([()])
        self._names = self._files = self._folders = self._bytes = 0
        self._finds = Finds()

    def whole(self) -> StorageSeen:
        stopped = ""
        try:
            while self._later:
                self._visit(self._later.popleft())
        except _Full as full:
            stopped = str(full)
        return self._finds.seen(
            files=self._files,
            folders=self._folders,
            bytes=self._bytes,
            seconds=time.monotonic() - self._began,
            stopped=stopped,
            locked={lock.inode for lock in read_locks()},
        )

    def _visit(self, parts: _Parts) -> None:
        with ExitStack() as opened:
            folder = self._enter(parts, opened)
            if folder is not None:
                self._look_into(folder, parts)

    def _enter(self, parts: _Parts, opened: ExitStack) -> int | None:
        """Open a directory from the top, name by name; None for one that vanished, is mounted, or may not be read."""
        folder = self._root
        try:
            for part in parts:
                # The one before is closed at once: a tree may be deeper than a process may have files open.
                with opened.pop_all():
                    folder = opened.enter_context(directory(part, within=folder))
            if os.fstat(folder).st_dev != self._device:
                self._finds.mounts.add(path_of(parts))
                return None
        except PermissionError:
            self._finds.closed.add(path_of(parts))
            return None
        except OSError:
            # Gone since, or something else by now.
            return None
        return folder

    def _look_into(self, folder: int, parts: _Parts) -> None:
        self._folders += 1
        names = set()
        for entry in self._entries(folder, parts):
            self._count()
            names.add(entry.name)
            try:
                self._look_at(entry, folder, (*parts, entry.name))
            except FileNotFoundError:
                continue
        self._finds.engines_by_names(path_of(parts), names)

    def _entries(self, folder: int, parts: _Parts) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                yield from entries
        except PermissionError:
            self._finds.closed.add(path_of(parts))

    def _count(self) -> None:
        self._names += 1
        if self._names > self._bounds.names:
            raise _Full(f"The look ended after {self._bounds.names:,} names.")
        if time.monotonic() - self._began > self._bounds.seconds:
            raise _Full(f"The look ended after {self._bounds.seconds:g} s and {self._names:,} names.")

    def _look_at(self, entry: os.DirEntry[str], folder: int, parts: _Parts) -> None:
        status = entry.stat(follow_symlinks=False)
        if status.st_uid != self._owner:
            self._finds.foreign.add(path_of(parts))
        if stat.S_ISLNK(status.st_mode):
            self._finds.link(parts, os.readlink(entry.name, dir_fd=folder))
            return
        if status.st_mode & _EVERYBODY:
            self._finds.open_to_all.add(path_of(parts))
        if stat.S_ISDIR(status.st_mode):
            self._look_later(parts)
        elif stat.S_ISREG(status.st_mode):
            self._look_at_file(entry.name, folder, parts, status)

    def _look_later(self, parts: _Parts) -> None:
        if len(parts) > _DEEPEST:
            self._finds.closed.add(path_of(parts))
        else:
            self._later.append(parts)

    def _look_at_file(self, name: str, folder: int, parts: _Parts, status: os.stat_result) -> None:
        self._files += 1
        self._bytes += status.st_size
        self._finds.lock_name(name, path_of(parts))
        if status.st_size:
            self._finds.head(path_of(parts), status.st_ino, head_of(name, folder))


def head_of(name: str, folder: int) -> bytes:
    """The first bytes of a regular file; none of what may not be read, or is something else by now."""
    try:
        descriptor = _open_quietly(name, folder)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, _HEAD, 0) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _open_quietly(name: str, folder: int) -> int:
    """Open without a trace in the file's times, which only its owner may ask for."""
    try:
        return os.open(name, _READ | os.O_NOATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, _READ, dir_fd=folder)
