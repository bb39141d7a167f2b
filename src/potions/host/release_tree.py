"""Writing a release's files below one directory's descriptor: new, never through a link, with exactly two modes."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from typing import Protocol

from potions.errors import ArchiveUnsafe
from potions.host.archive_limits import spelt
from potions.host.descriptors import DIRECTORY, is_not_directory, look, write_all

#: A path below the release, split into its names.
Parts = tuple[str, ...]

DIRECTORY_MODE = 0o755
FILE_MODE = 0o644
EXECUTABLE_MODE = 0o755

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: Directories kept open, because most members lie in the folder of the one before.
_KEPT_OPEN = 128
_LATEST_MTIME = 2**40


def unsafe(parts: Iterable[str], why: str) -> ArchiveUnsafe:
    """The error for a member that Potions will not unpack."""
    return ArchiveUnsafe(
        f"The archive has a member that Potions will not unpack: {spelt('/'.join(parts))}",
        why=why,
        do="Leave it out and pack the release again.",
    )


class Destination(Protocol):
    """Where the members of an archive go, in their order; links last. Raises ArchiveUnsafe where they contradict."""

    @property
    def directories(self) -> int:
        """How many there are, for members and around them."""

    def make_way(self, parts: Parts) -> None:
        """Refuse a second member of this name, unless it may replace the first."""

    def folder(self, parts: Parts) -> object:
        """There is a directory, with its parents."""

    def file(self, parts: Parts, pieces: Iterable[memoryview], *, executable: bool, mtime: float) -> None:
        """There is a file, in place of one of the same name that came earlier. Every piece has to be taken."""

    def hard_link(self, parts: Parts, earlier: Parts) -> None:
        """A file that came earlier has a second name."""

    def symbolic_link(self, parts: Parts, target: str) -> None:
        """There is a link, in place of a file of that name."""

    def strip(self, name: str) -> None:
        """All of it lies in the directory ``name``, which is left out."""


class ReleaseTree:
    """A directory that is filled with a release. Raises ArchiveUnsafe where members contradict each other; OSError."""

    def __init__(self, root: int, *, replaces: bool = True) -> None:
        """Write below the descriptor ``root``, which stays the caller's to close.

        ``replaces``: a member that comes twice replaces the one before, as with tar; otherwise it is refused.
        """
        self._root = root
        self._replaces = replaces
        self.directories = 0
        """How many were made, for members and around them."""
        self._open: dict[Parts, int] = {}

    def close(self) -> None:
        """Close the directories kept open; they are opened again when they are needed."""
        while self._open:
            os.close(self._open.popitem()[1])

    def folder(self, parts: Parts) -> int:
        """The descriptor of a directory, made with its parents where missing; good until the next call."""
        known = self._open.get(parts)
        if known is not None:
            return known
        if len(self._open) > _KEPT_OPEN:
            self.close()
        folder = self._root
        for depth in range(1, len(parts) + 1):
            upper = parts[:depth]
            folder = self._open[upper] if upper in self._open else self._enter(folder, upper)
        return folder

    def _enter(self, folder: int, parts: Parts) -> int:
        name = parts[-1]
        try:
            os.mkdir(name, DIRECTORY_MODE, dir_fd=folder)
            made = True
        except FileExistsError:
            made = False
        try:
            entered = os.open(name, DIRECTORY, dir_fd=folder)
        except OSError as error:
            if is_not_directory(error):
                raise unsafe(parts, "It is a directory here and a file elsewhere in the archive.") from None
            raise
        self._open[parts] = entered
        if made:
            self.directories += 1
            os.fchmod(entered, DIRECTORY_MODE)
        return entered

    def file(self, parts: Parts, pieces: Iterable[memoryview], *, executable: bool, mtime: float) -> None:
        """Write a file, in place of one of the same name that came earlier."""
        folder = self.folder(parts[:-1])
        descriptor = self._new_file(folder, parts)
        try:
            for piece in pieces:
                write_all(descriptor, piece)
            os.fchmod(descriptor, EXECUTABLE_MODE if executable else FILE_MODE)
            seconds = _seconds(mtime)
            os.utime(descriptor, (seconds, seconds))
        finally:
            os.close(descriptor)

    def _new_file(self, folder: int, parts: Parts) -> int:
        try:
            return os.open(parts[-1], _NEW_FILE, FILE_MODE, dir_fd=folder)
        except FileExistsError:
            self._clear(folder, parts)
            return os.open(parts[-1], _NEW_FILE, FILE_MODE, dir_fd=folder)

    def make_way(self, parts: Parts) -> None:
        """Refuse a second member of this name, unless it may replace the first."""
        if not self._replaces:
            raise unsafe(parts, "The archive has it twice.")

    def _clear(self, folder: int, parts: Parts) -> None:
        """Make room for a later member of the same name; a directory does not make room."""
        self.make_way(parts)
        try:
            os.unlink(parts[-1], dir_fd=folder)
        except FileNotFoundError:
            return
        except IsADirectoryError:
            raise unsafe(parts, "It is a directory elsewhere in the archive.") from None

    def hard_link(self, parts: Parts, earlier: Parts) -> None:
        """Give a file that is there already a second name."""
        source = os.dup(self.folder(earlier[:-1]))
        try:
            there = look(earlier[-1], within=source)
            if there is None or not stat.S_ISREG(there.st_mode):
                raise unsafe(parts, "It is a hard link to something that is no earlier file of the archive.")
            if parts == earlier:
                return
            folder = self.folder(parts[:-1])
            self._clear(folder, parts)
            os.link(earlier[-1], parts[-1], src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(source)

    def symbolic_link(self, parts: Parts, target: str) -> None:
        """Make a symbolic link, in place of a file of that name; whether it may lead there is the caller's to know."""
        folder = self.folder(parts[:-1])
        try:
            os.symlink(target, parts[-1], dir_fd=folder)
        except FileExistsError:
            self._clear(folder, parts)
            os.symlink(target, parts[-1], dir_fd=folder)

    def strip(self, name: str) -> None:
        """Put what is in the directory ``name`` in its place, one level up."""
        self.close()
        # Under another name first, because a child may be called as its parent.
        aside = f".potions-{secrets.token_hex(8)}"
        os.rename(name, aside, src_dir_fd=self._root, dst_dir_fd=self._root)
        folder = os.open(aside, DIRECTORY, dir_fd=self._root)
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
            for child in names:
                os.rename(child, child, src_dir_fd=folder, dst_dir_fd=self._root)
        finally:
            os.close(folder)
        os.rmdir(aside, dir_fd=self._root)


def _seconds(mtime: float) -> int:
    """A time a file system can hold; PAX headers may say anything, also that it is no number."""
    if not 0 <= mtime <= _LATEST_MTIME:
        return 0
    return int(mtime)
