"""Sending what lies in a storage, as the app's user: a file or a part of it, a folder as a tar."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from potions.errors import RangeRefused, StoredForbidden, StoredUnknown
from potions.host.descriptors import is_not_directory, write_all
from potions.host.put_token import is_on_its_way
from potions.host.stored import READ, changed, file_at, folder_at, status_at, target_of
from potions.host.stored_entry import entry_of
from potions.host.walk import Parts, some, walk
from potions.model.stored import SentFile, SentFolder
from potions.names import StoredPath
from potions.tar_format import END, file_header, folder_header, link_header, padding

_COPY_BYTES = 256 * 1024
#: A file up to this size is read before its header is written, so that what it says is true whatever the app does.
_WHOLE_BYTES = 1024 * 1024


class ByteRange(msgspec.Struct, frozen=True):
    """A part of a file, as HTTP asks for one: from ``first`` on, up to ``last`` where there is one.

    Without ``first``, the ``last`` so many bytes.
    """

    first: int | None
    last: int | None
    tag: str | None = None
    """Of the file it is a part of; if the file is another by now, all of it is meant."""


def send_file(
    storage: Path, path: StoredPath, part: ByteRange | None, *, sink: int, begin: Callable[[SentFile], None]
) -> None:
    """Write a file, or a part of it, into the descriptor ``sink``, once ``begin`` was told what comes.

    Exactly as many bytes as were told: what the app appends meanwhile is not among them. Raises what `file_at` raises,
    RangeRefused, StoredChanged where it became shorter, and OSError.
    """
    with file_at(storage, path) as (file, status):
        tag = _tag(status)
        if part is not None and part.tag not in (None, tag):
            part = None
        first, length = _extent(part, status.st_size)
        begin(SentFile(entry_of(path, status), tag, part is not None, first, length))
        os.lseek(file, first, os.SEEK_SET)
        for piece in pieces_of(path, file, length):
            write_all(sink, piece)


def _tag(status: os.stat_result) -> str:
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"


def _extent(part: ByteRange | None, size: int) -> tuple[int, int]:
    """Where to begin in a file, and how many bytes to send."""
    if part is None:
        return 0, size
    if part.first is None:
        first, end = max(size - (part.last or 0), 0), size
    else:
        first, end = part.first, size if part.last is None else min(part.last + 1, size)
    if first >= end:
        raise RangeRefused("The file does not have that part.", why=f"It has {size:,} bytes.")
    return first, end - first


def pieces_of(path: StoredPath, file: int, length: int) -> Iterator[bytes]:
    """Exactly ``length`` bytes of a file. Raises StoredChanged where it has become shorter."""
    while length:
        data = os.read(file, min(length, _COPY_BYTES))
        if not data:
            raise changed(path)
        length -= len(data)
        yield data


def _read(file: int, limit: int) -> bytes:
    """What a file has up to ``limit`` bytes; one read(2) may give less."""
    data = b""
    while len(data) < limit and (more := os.read(file, limit - len(data))):
        data += more
    return data


def send_folder(storage: Path, path: StoredPath, puts: Path, *, sink: int, begin: Callable[[SentFolder], None]) -> None:
    """Write a folder as a tar into the descriptor ``sink``, once ``begin`` was told how much is in it.

    Links are sent as links, and followed nowhere; sockets, named pipes and devices are left out. What vanishes or
    comes meanwhile may be in it or not; what is on its way into the storage, as ``puts`` knows, is not. Raises what
    `folder_at` raises; StoredForbidden, before anything is sent, for what cannot be read; StoredChanged where a large
    file became shorter, and OSError.
    """
    with folder_at(storage, path) as folder:
        survey = Survey(path, puts)
        walk(folder, survey.enter, kept_out=survey.keep_out)
        survey.refuse_unreadable()
        begin(SentFolder(entry_of(path, os.fstat(folder)), survey.files, survey.bytes))
        walk(folder, _SendingTar(path, puts, sink).enter, kept_out=refuse_kept_out(path))
        write_all(sink, END)


class Survey:
    """What an archive will have in it, and what of it cannot be read: nobody could be told in the middle."""

    def __init__(self, path: StoredPath, puts: Path) -> None:
        self._path = path
        self._puts = puts
        self._unreadable: list[StoredPath] = []
        self.files = 0
        self.bytes = 0
        self.entries = 0
        """Files, folders, links and whatever else has a name."""
        self.longest = 0
        """The bytes of the longest path."""

    def enter(self, parts: Parts, folder: int) -> list[str]:
        inside = []
        above = sum(len(os.fsencode(part)) + 1 for part in parts)
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_on_its_way(entry.name, folder, self._puts):
                    continue
                self.entries += 1
                self.longest = max(self.longest, above + len(os.fsencode(entry.name)))
                if entry.is_dir(follow_symlinks=False):
                    inside.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    self._file(self._path.inside(*parts, entry.name), folder)
        return inside

    def keep_out(self, parts: Parts) -> None:
        self._unreadable.append(self._path.inside(*parts))

    def refuse_unreadable(self) -> None:
        if self._unreadable:
            raise StoredForbidden(
                "The app's own user may not read all of it.",
                why=f"Its owner or its mode forbids it: {some(map(str, self._unreadable))}",
                do="Change their owner or their mode, or get the others one by one.",
            )

    def _file(self, path: StoredPath, folder: int) -> None:
        try:
            status = status_at(path, folder)
        except StoredUnknown:
            return
        self.files += 1
        self.bytes += status.st_size
        if not os.access(path.name, os.R_OK, dir_fd=folder, follow_symlinks=False):
            self._unreadable.append(path)


def refuse_kept_out(path: StoredPath) -> Callable[[Parts], None]:
    """What to do about a folder that could be read a moment ago: raise StoredChanged."""

    def refuse(parts: Parts) -> None:
        raise changed(path.inside(*parts))

    return refuse


class Sending(ABC):
    """A folder on its way out, entry by entry, in the order of the names' bytes."""

    def __init__(self, path: StoredPath, puts: Path) -> None:
        self._path = path
        self._puts = puts

    @abstractmethod
    def _folder(self, parts: Parts, status: os.stat_result, names: list[str]) -> None:
        """Send a folder, before what is in it: at most ``names``. The first one is the folder that was asked for."""

    @abstractmethod
    def _link(self, parts: Parts, status: os.stat_result, target: str) -> None:
        """Send a link."""

    @abstractmethod
    def _file(self, parts: Parts, status: os.stat_result, file: int) -> None:
        """Send a file, which is open."""

    def enter(self, parts: Parts, folder: int) -> list[str]:
        """Send a folder and its files; name the folders in it."""
        names = sorted(os.listdir(folder), key=os.fsencode)
        names = [name for name in names if not is_on_its_way(name, folder, self._puts)]
        self._folder(parts, os.fstat(folder), names)
        inside = []
        for name in names:
            try:
                status = status_at(self._path.inside(*parts, name), folder)
            except StoredUnknown:
                continue
            if stat.S_ISDIR(status.st_mode):
                inside.append(name)
            else:
                self._leaf((*parts, name), folder, status)
        return inside

    def _leaf(self, parts: Parts, folder: int, status: os.stat_result) -> None:
        path = self._path.inside(*parts)
        if stat.S_ISLNK(status.st_mode):
            self._link(parts, status, target_of(path, folder))
        elif stat.S_ISREG(status.st_mode):
            self._open_file(path, parts, folder)

    def _open_file(self, path: StoredPath, parts: Parts, folder: int) -> None:
        try:
            file = os.open(path.name, READ, dir_fd=folder)
        except OSError as error:
            if isinstance(error, FileNotFoundError) or is_not_directory(error):
                return
            raise
        try:
            status = os.fstat(file)
            if stat.S_ISREG(status.st_mode):
                self._file(parts, status, file)
        finally:
            os.close(file)


class _SendingTar(Sending):
    """A folder on its way out as a tar."""

    def __init__(self, path: StoredPath, puts: Path, sink: int) -> None:
        super().__init__(path, puts)
        self._sink = sink

    def _folder(self, parts: Parts, status: os.stat_result, names: list[str]) -> None:  # noqa: ARG002
        if parts:
            write_all(self._sink, folder_header("/".join(parts), int(status.st_mtime)))

    def _link(self, parts: Parts, status: os.stat_result, target: str) -> None:
        write_all(self._sink, link_header("/".join(parts), target, int(status.st_mtime)))

    def _file(self, parts: Parts, status: os.stat_result, file: int) -> None:
        name = "/".join(parts)
        executable, mtime = bool(status.st_mode & stat.S_IXUSR), int(status.st_mtime)
        if status.st_size <= _WHOLE_BYTES:
            data = _read(file, _WHOLE_BYTES)
            header = file_header(name, len(data), mtime, executable=executable)
            write_all(self._sink, header + data + padding(len(data)))
            return
        write_all(self._sink, file_header(name, status.st_size, mtime, executable=executable))
        for piece in pieces_of(self._path.inside(*parts), file, status.st_size):
            write_all(self._sink, piece)
        write_all(self._sink, padding(status.st_size))
