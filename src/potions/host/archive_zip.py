"""The members of a zip, as they come out right whichever system it was made on."""

from __future__ import annotations

# Python would load it at the first name, when the child that unpacks has become a user who may not read it.
import encodings.cp437  # noqa: F401
import os
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import BinaryIO

from potions.host.archive_decoders import inflate
from potions.host.archive_limits import DAMAGED, Limits, Meter, Report, broken, spelt
from potions.host.archive_member import Member, MemberKind
from potions.host.archive_zip_layout import UTF8, check_directory, check_members, raw_name

#: Who made it, where names are bytes and modes are Unix's: Unix, and what Apple's own programs say.
_UNIX = (3, 19)
_DIRECTORY_OF_DOS = 0x10
_UNICODE_NAME = 0x7075
_UNIX_TIME = 0x5455
_TARGET_MAX = 4096
_READ_BYTES = 256 * 1024


def zip_members(source: int, limits: Limits, report: Report) -> Iterator[Member]:
    """Read the zip in the open file ``source``; all of its layout is checked before the first member comes.

    ``report`` hears the bytes of the file done so far and in total. Raises ArchiveBroken, ArchiveTooLarge,
    ArchiveUnreadable, NoRoom and OSError.
    """
    meter = Meter(report, os.fstat(source).st_size)
    directory = check_directory(source, limits)
    with os.fdopen(os.dup(source), "rb") as file, closing(_open(file)) as archive:
        members = sorted(archive.infolist(), key=lambda info: info.header_offset)
        unpacked = sum(info.file_size for info in members)
        limits.check_bytes(unpacked)
        limits.check_ratio(unpacked, meter.total)
        starts = check_members(source, members, directory)
        for info, start in zip(members, starts, strict=True):
            yield _member(info, partial(_content, source, info, start, meter))
    meter.finish()


def _open(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise broken(f"{DAMAGED} ({error})") from error


def _member(info: zipfile.ZipInfo, content: Callable[[], Iterator[memoryview]]) -> Member:
    name = _name(info)
    mode = info.external_attr >> 16 if info.create_system in _UNIX else 0
    form = stat.S_IFMT(mode)
    if _is_directory(info, name, form):
        odd = "It is a directory with content." if info.file_size else ""
        return Member(name, MemberKind.ODD if odd else MemberKind.DIRECTORY, reason=odd)
    if form == stat.S_IFLNK:
        # A longer one is refused for having no target that a file system could hold.
        target = b"".join(content()) if info.file_size <= _TARGET_MAX else b""
        return Member(name, MemberKind.LINK, target.decode("utf-8", "surrogateescape"))
    if form not in (0, stat.S_IFREG):
        reason = "It is a device, a named pipe or another thing that is no file, directory or link."
        return Member(name, MemberKind.ODD, reason=reason)
    return Member(
        name,
        MemberKind.FILE,
        executable=bool(mode & 0o111),
        mtime=_time(info),
        size=info.file_size,
        content=content,
    )


def _is_directory(info: zipfile.ZipInfo, name: str, form: int) -> bool:
    if name.endswith("/"):
        return True
    if info.create_system in _UNIX:
        return form == stat.S_IFDIR
    return bool(info.external_attr & _DIRECTORY_OF_DOS)


def _name(info: zipfile.ZipInfo) -> str:
    """The name in UTF-8, or whatever bytes a Unix gave it; with ``/`` between its parts.

    Some programs of Windows write ``\\`` there; a name with both is taken for one of a Unix, as `unzip` does.
    """
    raw = raw_name(info)
    if not info.flag_bits & UTF8:
        raw = _unicode_name(info, raw) or (raw if info.create_system in _UNIX else _from_dos(raw))
    name = raw.decode("utf-8", "surrogateescape")
    return name if info.create_system in _UNIX or "/" in name else name.replace("\\", "/")


def _unicode_name(info: zipfile.ZipInfo, raw: bytes) -> bytes:
    """The name that Info-ZIP puts beside one that is no ASCII, unless another program changed the name since."""
    extra = _extra(info, _UNICODE_NAME)
    said = len(extra) > 5 and extra[0] == 1 and int.from_bytes(extra[1:5], "little") == zlib.crc32(raw)
    return extra[5:] if said else b""


def _from_dos(raw: bytes) -> bytes:
    """A name of Windows: in the code page of DOS, unless it is UTF-8, as which words in that page hardly ever pass."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437").encode()
    return raw


def _extra(info: zipfile.ZipInfo, wanted: int) -> bytes:
    """One of the fields that programs put beside a member; empty where there is none."""
    rest = info.extra
    while len(rest) >= 4:
        kind, size = struct.unpack_from("<2H", rest)
        if kind == wanted:
            return rest[4 : 4 + size]
        rest = rest[4 + size :]
    return b""


def _time(info: zipfile.ZipInfo) -> float:
    """Seconds since 1970: as Unix counts them where the zip says so, otherwise the wall clock of who packed it."""
    extra = _extra(info, _UNIX_TIME)
    if len(extra) >= 5 and extra[0] & 1:
        return int.from_bytes(extra[1:5], "little", signed=True)
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return 0


def _content(source: int, info: zipfile.ZipInfo, start: int, meter: Meter) -> Iterator[memoryview]:
    """A member's bytes; not by zipfile, which is content when Deflate has more to say than the directory announced."""
    done = checksum = 0
    for piece in _expanded(_stored(source, info, start, meter), info):
        done += len(piece)
        if done > info.file_size:
            break
        checksum = zlib.crc32(piece, checksum)
        yield memoryview(piece)
    if done != info.file_size or checksum != info.CRC:
        raise broken(f"{spelt(info.orig_filename)} is damaged: it has another checksum or size than it should.")


def _expanded(stored: Iterator[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    # Nothing is nothing by any method; some programs do not even write that Deflate ends.
    return stored if info.compress_type == zipfile.ZIP_STORED or not info.compress_size else inflate(stored)


def _stored(source: int, info: zipfile.ZipInfo, start: int, meter: Meter) -> Iterator[bytes]:
    """The bytes of a member as they stand in the zip, where its layout was checked."""
    end = start + info.compress_size
    for position in range(start, end, _READ_BYTES):
        yield os.pread(source, min(_READ_BYTES, end - position), position)
        meter.advance(position)
