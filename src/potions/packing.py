"""Packing a directory into a release, and reading a release that is an archive already: what `potions deploy` sends."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from potions.errors import ReleaseRefused
from potions.model.archive_format import GZIP, MAGIC_BYTES, link_leaves, suffix_of

#: Called with each further number of bytes that was read.
Progress = Callable[[int], None]

_LEFT_OUT = frozenset({".git"})
#: Every virtual environment has this file. Its programs hold their own absolute path, its interpreter is a link to
#: this computer's: a release builds its own.
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
_READ_BYTES = 1024 * 1024
_BLOCK = 512
_ZSTD_HEADER_BYTES = 18
_LEVEL = 3


@dataclass(frozen=True)
class ReleaseSource:
    """A release that is ready to be sent: an archive, or a directory that is packed on the way."""

    name: str
    """The file's or directory's name, for people."""
    packed_bytes: int | None
    """The archive's size; None for a directory."""
    unpacked_bytes: int | None
    """What it will take unpacked: exact for a directory, as the archive says itself, or None if it does not."""
    suffix: str
    """``tar.gz`` or ``tar.zst``."""
    path: Path

    def chunks(self, progress: Progress | None = None) -> Iterator[bytes]:
        """The archive's bytes. ``progress`` hears of bytes read from disk: of the archive, or of the directory's files.

        Raises ReleaseRefused when something changes meanwhile or cannot be read.
        """
        heard = progress or _ignore
        return pack(self.path, heard) if self.packed_bytes is None else _read_archive(self.path, heard)


def _ignore(_count: int) -> None:
    return


def open_release(path: Path) -> ReleaseSource:
    """Look at what is to be deployed; raises ReleaseRefused for what is none, ArchiveBroken for an empty file."""
    try:
        status = path.stat()
        name = path.resolve().name or "release"
        if stat.S_ISDIR(status.st_mode):
            files, size = estimate(path)
            if not files:
                raise ReleaseRefused(f"{path} is empty.", why="There is no file in it.", do="Name the built release.")
            return ReleaseSource(name, None, size, "tar.zst", path)
        if not stat.S_ISREG(status.st_mode):
            raise ReleaseRefused(f"{path} is no release.", why="It is neither a directory nor a file.")
        with path.open("rb") as file:
            suffix = suffix_of(path.name, file.read(MAGIC_BYTES))
        return ReleaseSource(name, status.st_size, _unpacked_bytes(path, suffix, status.st_size), suffix, path)
    except OSError as error:
        raise _unreadable(path, error) from error


def estimate(directory: Path) -> tuple[int, int]:
    """How many regular files `pack` would send, and their bytes; raises ReleaseRefused for what cannot be sent."""
    members = _members(directory)
    sizes = [member.status.st_size for member in members if stat.S_ISREG(member.status.st_mode)]
    return len(sizes), sum(sizes)


def pack(directory: Path, progress: Progress = _ignore) -> Iterator[bytes]:
    """Pack a directory as ``tar.zst``, without any ``.git`` or virtual environment; the same files give the same bytes.

    Links stay links, times are kept, owners are not, and of modes only the executable bit. Raises ReleaseRefused, in
    the middle if need be: what came until then is not an archive that anybody would take for whole.
    """
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=-1, write_checksum=True).compressobj()
    for piece in _tar(_members(directory), progress):
        if packed := compressor.compress(piece):
            yield packed
    yield compressor.flush()


@dataclass(frozen=True)
class _Member:
    """Something in the directory: its path there, split, and what it was when it was looked at."""

    path: Path
    parts: tuple[str, ...]
    status: os.stat_result

    @property
    def name(self) -> str:
        return "/".join(self.parts)


def _members(directory: Path) -> list[_Member]:
    """Everything to send, each directory before what is in it, in an order that does not depend on the disk."""
    found: list[_Member] = []
    ahead: list[tuple[Path, tuple[str, ...]]] = [(directory, ())]
    try:
        while ahead:
            folder, parts = ahead.pop()
            inside = [_Member(path, (*parts, path.name), path.lstat()) for path in folder.iterdir()]
            for member in sorted(inside, key=lambda member: os.fsencode(member.parts[-1])):
                if stat.S_ISDIR(member.status.st_mode):
                    if _is_left_out(member):
                        continue
                    ahead.append((member.path, member.parts))
                found.append(member)
    except OSError as error:
        raise _unreadable(directory, error) from error
    _refuse_odd(found)
    return found


def _is_left_out(member: _Member) -> bool:
    """Whether a directory stays here: ``.git``, and a virtual environment, which works in one place only."""
    return member.parts[-1] in _LEFT_OUT or (member.path / _VIRTUAL_ENVIRONMENT).is_file()


def _refuse_odd(members: list[_Member]) -> None:
    """Refuse here what the server would refuse after all of it was sent."""
    links = {member.parts: _target(member) for member in members if stat.S_ISLNK(member.status.st_mode)}
    for member in members:
        mode = member.status.st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise ReleaseRefused(
                f"{member.path} cannot be sent.",
                why="It is a socket, a named pipe or a device.",
                do="Remove it, or deploy a directory without it.",
            )
        if member.parts in links and link_leaves(member.parts[:-1], links[member.parts], links):
            raise ReleaseRefused(
                f"{member.path} cannot be sent.",
                why=f"It is a link that leads out of the release: {links[member.parts]}",
                do="Replace it by what it leads to, or deploy a directory without it.",
            )


def _target(member: _Member) -> str:
    try:
        return str(member.path.readlink())
    except OSError as error:
        raise _unreadable(member.path, error) from error


def _tar(members: list[_Member], progress: Progress) -> Iterator[bytes]:
    for member in members:
        yield _header(member)
        if stat.S_ISREG(member.status.st_mode):
            yield from _content(member, progress)
    yield bytes(2 * _BLOCK)


def _header(member: _Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    mode = member.status.st_mode
    info.mode = 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644
    info.mtime = int(member.status.st_mtime)
    if stat.S_ISDIR(mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, _target(member), 0o777
    else:
        info.size = member.status.st_size
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(member: _Member, progress: Progress) -> Iterator[bytes]:
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
        raise _unreadable(member.path, error) from error
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


def _read_archive(path: Path, progress: Progress) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                progress(len(data))
                yield data
    except OSError as error:
        raise _unreadable(path, error) from error


def _unpacked_bytes(path: Path, suffix: str, packed: int) -> int | None:
    """The size that an archive claims to have unpacked; an estimate, because nothing of it is unpacked here."""
    with path.open("rb") as file:
        if suffix == GZIP.suffix:
            # The last four bytes are the size, modulo 4 GiB; less than the archive's own size means that it wrapped.
            file.seek(-min(packed, 4), os.SEEK_END)
            claimed = int.from_bytes(file.read(4), "little")
            return claimed if claimed >= packed else None
        try:
            claimed = zstandard.frame_content_size(file.read(_ZSTD_HEADER_BYTES))
        except zstandard.ZstdError:
            return None
    return claimed if claimed > 0 else None


def _unreadable(path: Path, error: OSError) -> ReleaseRefused:
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else path
    return ReleaseRefused(
        f"{where} cannot be read.",
        why=f"{error.strerror or error}.",
        do="Name a directory, or an archive of the release (.tar.gz or .tar.zst).",
    )
