"""Packing what was listed as ``tar.zst``; the same files give the same bytes."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence

import zstandard

from potions.errors import ReleaseRefused
from potions.packing.listing import Member
from potions.packing.unreadable import unreadable

#: Called with each further number of bytes that was read.
Progress = Callable[[int], None]

_READ_BYTES = 1024 * 1024
_BLOCK = 512
_LEVEL = 3


def pack(members: Sequence[Member], progress: Progress) -> Iterator[bytes]:
    """Pack members, a directory before what is in it.

    Links stay links, times are kept, owners are not, and of modes only the executable bit. ``progress`` hears of the
    files' bytes. Raises ReleaseRefused for what changed since it was listed or cannot be read, in the middle if need
    be: what came until then is not an archive that anybody would take for whole.
    """
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=-1, write_checksum=True).compressobj()
    for piece in _tar(members, progress):
        if packed := compressor.compress(piece):
            yield packed
    yield compressor.flush()


def _tar(members: Sequence[Member], progress: Progress) -> Iterator[bytes]:
    for member in members:
        yield _header(member)
        if member.is_file:
            yield from _content(member, progress)
    yield bytes(2 * _BLOCK)


def _header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.mode = 0o755 if member.is_directory or member.status.st_mode & stat.S_IXUSR else 0o644
    info.mtime = int(member.status.st_mtime)
    if member.is_directory:
        info.type = tarfile.DIRTYPE
    elif member.is_link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, member.target(), 0o777
    else:
        info.size = member.status.st_size
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(member: Member, progress: Progress) -> Iterator[bytes]:
    """The file's bytes and what fills the last block up; exactly as many as the header says, or an error."""
    left = member.status.st_size
    try:
        with open(member.path, "rb", opener=_open_itself) as file:
            while left and (data := file.read(min(left, _READ_BYTES))):
                left -= len(data)
                progress(len(data))
                yield data
            now = os.fstat(file.fileno())
    except OSError as error:
        raise unreadable(member.path, error) from error
    if left or _version(now) != _version(member.status):
        raise ReleaseRefused(
            f"{member.path} changed while it was read.",
            why="A release has to be the same from its first byte to its last.",
            do="Wait until nothing writes into the directory, then deploy again.",
        )
    yield bytes(-member.status.st_size % _BLOCK)


def _open_itself(path: str, flags: int) -> int:
    """Open a file, and no link or named pipe that took its place meanwhile."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _version(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
