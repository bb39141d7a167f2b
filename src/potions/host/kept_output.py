"""The kept output of one program: the file it is written to, and the one that was rotated out of it before.

supervisord renames a log that has grown too large and begins a new one, in the middle of a line too. So a place in the
output is a place in one of the files, and what comes behind it goes on in the next. Which file is meant is known again
by its number on the disk and by its bytes: numbers are used again, names are passed on.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec

MARK_BYTES = 4
_HEAD_BYTES = 512
_TAIL_BYTES = 256
_PIECE_BYTES = 1024 * 1024
#: A file system takes its times from a clock that is some milliseconds behind.
_CLOCK_SECONDS = 1.0
#: How far back "the last lines" reach where all of them count.
_LAST_BYTES = 1024 * 1024


class Place(msgspec.Struct, frozen=True):
    """Behind a line: ``offset`` bytes from the beginning of the file that ``mark`` tells from all others."""

    offset: int
    mark: bytes
    ahead: int = 0
    """So many bytes behind it are known as well: before the first line of a file is nothing to know it by."""


class Line(NamedTuple):
    """A whole line, without its end, and where that is."""

    data: bytes
    file: LogFile
    """The one that its end is in."""
    begin: tuple[LogFile, int]
    end: int


class LogFile:
    """One file of a log as it was when it was opened: what is appended since is not there."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        status = os.fstat(file.fileno())
        self.identity = (status.st_dev, status.st_ino)
        self.size = status.st_size
        self.modified = status.st_mtime

    def read(self, offset: int, limit: int) -> bytes:
        """At most ``limit`` bytes from ``offset`` on; none at the end."""
        return os.pread(self._file.fileno(), min(limit, max(0, self.size - offset)), offset)

    def place(self, key: bytes, offset: int) -> Place:
        """A place in this file. Another log's, with another ``key``, never looks like it."""
        ahead = 0 if offset else min(self.size, _TAIL_BYTES)
        return Place(offset, self._mark(key, offset, ahead), ahead)

    def has(self, key: bytes, place: Place) -> bool:
        there = place.offset + place.ahead <= self.size
        return there and self._mark(key, place.offset, place.ahead) == place.mark

    def _mark(self, key: bytes, offset: int, ahead: int) -> bytes:
        first = self.read(0, min(offset, _HEAD_BYTES))
        begin = max(0, offset - _TAIL_BYTES)
        around = self.read(begin, offset + ahead - begin)
        known_by = b"%d %d " % (self.identity[1], offset)
        return hashlib.blake2b(known_by + first + around, key=key[:64], digest_size=MARK_BYTES).digest()


class KeptOutput:
    """What is kept of a log at one moment. A context manager, or closed with ``close``."""

    def __init__(self, path: Path) -> None:
        self._opened = ExitStack()
        # The present file first: one that is rotated in between is then found twice, and not missed.
        found = [_open(name, self._opened) for name in (path, path.with_name(f"{path.name}.1"))]
        by_identity = {file.identity: file for file in found if file is not None}
        self.files = list(by_identity.values())[::-1]
        """The oldest first."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Again and again is fine."""
        self._opened.close()

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def pieces(self) -> Iterator[bytes]:
        """All of it, in order."""
        for file in self.files:
            offset = 0
            while data := file.read(offset, _PIECE_BYTES):
                offset += len(data)
                yield data

    def find(self, key: bytes, place: Place) -> tuple[LogFile, int] | None:
        """Where a place is now; None where it was rotated away, or cut off by hand."""
        return next(((file, place.offset) for file in self.files if file.has(key, place)), None)

    def lines(self, begin: tuple[LogFile, int]) -> Iterator[Line]:
        """The whole lines from there on. One that the program has not ended yet is none."""
        first, offset = begin
        rest = b""
        for file in self.files[self.files.index(first) :]:
            while data := file.read(offset, _PIECE_BYTES):
                *whole, tail = data.split(b"\n")
                for line in whole:
                    offset += len(line) + 1
                    yield Line(rest + line, file, begin, offset)
                    rest, begin = b"", (file, offset)
                rest += tail
                offset += len(tail)
            offset = 0

    def begin_of_last(self, lines: int, matches: Callable[[bytes], bool] | None) -> tuple[LogFile, int] | None:
        """Where the last ``lines`` begin that match; without ``matches`` any line does, and it looks back a megabyte.

        Where there is none, the end of the last line. None where nothing is kept.
        """
        if not self.files:
            return None
        begin = end = self._back(self.size if matches else _LAST_BYTES)
        found: deque[tuple[LogFile, int]] = deque(maxlen=lines)
        for line in self.lines(begin):
            end = (line.file, line.end)
            # A line that begins before the first look is not whole.
            if (line.begin != begin or begin == (self.files[0], 0)) and (matches is None or matches(line.data)):
                found.append(line.begin)
        return found[0] if found else end

    def _back(self, size: int) -> tuple[LogFile, int]:
        """So many bytes before the end."""
        skipped = max(0, self.size - size)
        for file in self.files:
            if skipped < file.size or file is self.files[-1]:
                return file, skipped
            skipped -= file.size
        raise IndexError("nothing is kept")


def _open(path: Path, opened: ExitStack) -> LogFile | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(FileNotFoundError):
        descriptor = os.open(path, flags)
        file: Any = open(descriptor, "rb", buffering=0)  # noqa: SIM115, PTH123 - closed with the others
        return LogFile(opened.enter_context(file))
    return None


class OutputFollower:
    """Reads the lines of one log on and on, each once, over its rotations. Where it is, is ``place``."""

    def __init__(
        self, path: Path, key: bytes, place: Place | None = None, *, read_at: float | None = None, lost: bool = False
    ) -> None:
        """Begin behind ``place``, or with all that is kept.

        ``lost`` says that there was a place which nobody knows any more; ``read_at``, when it was read up to there.
        """
        self._path = path
        self._key = key
        self._lost = lost
        self._read_at = time.time() if read_at is None else read_at
        self._seen: tuple[int, int] | None = None
        self.place = place
        """Behind the line that was read last; None while none was."""
        self.at_end = False
        """Whether the last ``read`` came to the end of what there was."""

    def begin_with_last(self, lines: int, matches: Callable[[bytes], bool] | None) -> None:
        """Go to where the last ``lines`` begin."""
        with KeptOutput(self._path) as kept:
            # What is empty is known by nothing: as if there was no log yet.
            begin = kept.begin_of_last(lines, matches) if kept.size else None
            self.place = None if begin is None else begin[0].place(self._key, begin[1])

    def read(self, limit: int) -> Iterator[bytes | None]:
        """The new whole lines, up to about ``limit`` bytes; None first where lines before them may be missing.

        ``place`` is behind each line while it is given.
        """
        seen = _glance(self._path)
        if self.at_end and seen == self._seen:
            return
        now, self.at_end = time.time(), False
        with KeptOutput(self._path) as kept:
            begin, misses = self._begin(kept)
            if begin is not None:
                self.place, self._lost = begin[0].place(self._key, begin[1]), False
                if misses:
                    yield None
                for line in kept.lines(begin):
                    self.place = line.file.place(self._key, line.end)
                    yield line.data
                    limit -= len(line.data) + 1
                    if limit <= 0:
                        return
        self.at_end, self._seen, self._read_at = True, seen, now

    def _begin(self, kept: KeptOutput) -> tuple[tuple[LogFile, int] | None, bool]:
        """Where to read on, and whether lines before that may be missing."""
        if not kept.files:
            return None, False
        if self.place is None and not self._lost:
            # What was rotated out may not have been the first.
            return (kept.files[0], 0), len(kept.files) > 1
        found = None if self.place is None else kept.find(self._key, self.place)
        if found is not None:
            return found, False
        # Rotated away, and the one that came behind it is the oldest now. Or cut off by hand: then the older one was
        # read before, and nothing was written to it since.
        newer = [file for file in kept.files if file.modified >= self._read_at - _CLOCK_SECONDS]
        return ((newer[0], 0), True) if newer else (kept.begin_of_last(0, None), False)


def _glance(path: Path) -> tuple[int, int] | None:
    """What differs as soon as something was written to the file, or another is in its place."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size
