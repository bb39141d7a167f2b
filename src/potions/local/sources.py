"""What is sent to a storage: a file, or a folder as a tar. Looked at as a whole before the first byte leaves."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from potions.errors import LocalFileRefused
from potions.model.archive_format import link_leaves
from potions.names import shown_name
from potions.tar_format import END, file_header, folder_header, link_header, padding

#: Called with each further number of bytes that was read.
Progress = Callable[[int], None]

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LocalFile:
    """A file that is ready to be sent."""

    path: Path
    size: int
    executable: bool

    def pieces(self, progress: Progress) -> Iterator[bytes]:
        """As many bytes as it had when it was looked at. Raises LocalFileRefused where it became shorter."""
        return _content(self.path, self.size, progress)


@dataclass(frozen=True)
class _Member:
    """Something in a folder: where it is, the names that lead there, and what it was when it was looked at."""

    path: Path
    parts: tuple[str, ...]
    status: os.stat_result
    target: str


@dataclass(frozen=True)
class LocalFolder:
    """A folder that is ready to be sent."""

    path: Path
    files: int
    size: int
    members: list[_Member]

    def pieces(self, progress: Progress) -> Iterator[bytes]:
        """All that is in it as a tar: links stay links, times are kept, owners are not, of modes the executable bit.

        Raises LocalFileRefused where something changed since it was looked at.
        """
        for member in self.members:
            yield from _packed(member, progress)
        yield END


def open_source(path: Path) -> LocalFile | LocalFolder:
    """Look at what is to be sent. Raises LocalFileRefused for all that a storage could not keep as it is."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            members = _members(path)
            sizes = [member.status.st_size for member in members if stat.S_ISREG(member.status.st_mode)]
            return LocalFolder(path, len(sizes), sum(sizes), members)
    except OSError as error:
        raise unusable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise LocalFileRefused(
            f"{shown_name(str(path))} cannot be sent.",
            why="It is a device, a socket or a named pipe.",
            do="To send what a program writes, name - and send it through standard input.",
        )
    _refuse_unreadable(path)
    return LocalFile(path, status.st_size, bool(status.st_mode & stat.S_IXUSR))


def unusable(path: Path | str, error: OSError) -> LocalFileRefused:
    """What the system refused, in words."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(path)
    return LocalFileRefused(f"{shown_name(where)} cannot be used.", why=f"{error.strerror or error}.")


def _members(top: Path) -> list[_Member]:
    """Everything in a folder, each folder before what is in it, in an order that does not depend on the disk."""
    found: list[_Member] = []
    ahead: list[tuple[Path, tuple[str, ...]]] = [(top, ())]
    while ahead:
        folder, parts = ahead.pop()
        for path in sorted(folder.iterdir(), key=os.fsencode):
            member = _member(path, (*parts, path.name))
            found.append(member)
            if stat.S_ISDIR(member.status.st_mode):
                ahead.append((path, member.parts))
    _refuse_odd(found)
    return found


def _member(path: Path, parts: tuple[str, ...]) -> _Member:
    status = path.lstat()
    return _Member(path, parts, status, str(path.readlink()) if stat.S_ISLNK(status.st_mode) else "")


def _refuse_odd(members: list[_Member]) -> None:
    """Refuse here what the agent would refuse after all of it was sent."""
    links = {member.parts: member.target for member in members if stat.S_ISLNK(member.status.st_mode)}
    for member in members:
        mode = member.status.st_mode
        if stat.S_ISREG(mode):
            _refuse_unreadable(member.path)
        elif stat.S_ISLNK(mode):
            if link_leaves(member.parts[:-1], member.target, links):
                raise _left(member.path, f"It is a link that leads out of the folder: {shown_name(member.target)}")
        elif not stat.S_ISDIR(mode):
            raise _left(member.path, "It is a device, a socket or a named pipe.")


def _left(path: Path, why: str) -> LocalFileRefused:
    do = "Send a folder without it. Nothing was sent."
    return LocalFileRefused(f"{shown_name(str(path))} cannot be sent.", why=why, do=do)


def _refuse_unreadable(path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise _left(path, "You may not read it.")


def _packed(member: _Member, progress: Progress) -> Iterator[bytes]:
    name, mtime = "/".join(member.parts), int(member.status.st_mtime)
    mode, size = member.status.st_mode, member.status.st_size
    if stat.S_ISDIR(mode):
        yield folder_header(name, mtime)
    elif stat.S_ISLNK(mode):
        yield link_header(name, member.target, mtime)
    else:
        yield file_header(name, size, mtime, executable=bool(mode & stat.S_IXUSR))
        yield from _content(member.path, size, progress)
        yield padding(size)


def _content(path: Path, size: int, progress: Progress) -> Iterator[bytes]:
    left = size
    try:
        # O_NONBLOCK, or a named pipe that took its place would wait for a writer for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            while left and (data := file.read(min(left, _READ_BYTES))):
                left -= len(data)
                progress(len(data))
                yield data
    except OSError as error:
        raise unusable(path, error) from error
    if left:
        raise LocalFileRefused(
            f"{shown_name(str(path))} became shorter while it was sent.",
            why="Something writes into it.",
            do="Wait until nothing does, then try again. Nothing was kept.",
        )
