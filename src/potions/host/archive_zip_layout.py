"""Refusing a zip that two programs could read differently, before the standard library reads it.

A zip is read by the directory at its end. Nothing in the format keeps that directory from contradicting the members'
own headers, from naming the same bytes a thousand times (which unpacks a few MB to a petabyte), or from leaving out
what lies between. So a zip has to be exactly its members, one behind the other, then the directory, then the end.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

from potions.host.archive_limits import DAMAGED, MIB, TRUNCATED, Limits, broken, spelt, too_large, unreadable

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s24x3H12x")
_LOCAL = struct.Struct("<4sH2H4x3L2H")
_COMMENT_MAX = 0xFFFF
#: What a field says whose value stands in a wider one.
_ELSEWHERE = (0xFFFF, 0xFFFFFFFF)
#: zipfile reads all of the directory into memory. 200,000 members with names of 100 bytes take 36 MB.
_DIRECTORY_BYTES = 64 * MIB

UTF8 = 0x800
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_SIZES_BEHIND = 0x8
_PATCH = 0x20
#: One more than the sizes behind a member can take.
_SIZES_MAX = 25
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 20: "zstd", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES"}


class Directory(NamedTuple):
    """Where the list of members lies, and how many it says there are."""

    start: int
    size: int
    members: int


def check_directory(source: int, limits: Limits) -> Directory:
    """Find the directory of the open zip ``source`` and count what it lists, before anything is made of it.

    Raises ArchiveBroken, ArchiveTooLarge, ArchiveUnreadable (a part of a split zip) and OSError.
    """
    found = _find_directory(source)
    limits.check_members(found.members)
    if found.size > _DIRECTORY_BYTES:
        raise too_large(f"The list of its members has more than {_DIRECTORY_BYTES:,} bytes.")
    if _count(os.pread(source, found.size, found.start), found.members) != found.members:
        raise broken("Its directory lists more or fewer members than it says.")
    return found


def check_members(source: int, members: Sequence[zipfile.ZipInfo], directory: Directory) -> list[int]:
    """Demand that members can be read here and lie one behind the other; return where the data of each begins.

    ``members`` come in the order of the file. Raises ArchiveUnreadable (encrypted, or compressed by another method than
    Deflate), ArchiveBroken and OSError.
    """
    if members and members[0].header_offset:
        raise broken("Something lies before its first member.")
    for member in members:
        _check_readable(member)
    following = [*(member.header_offset for member in members), directory.start][1:]
    return [_check_member(source, member, offset) for member, offset in zip(members, following, strict=True)]


def raw_name(member: zipfile.ZipInfo) -> bytes:
    """A member's name as it stands in the zip; zipfile has taken it for one of two encodings."""
    return member.orig_filename.encode("utf-8" if member.flag_bits & UTF8 else "cp437")


def _find_directory(source: int) -> Directory:
    total = os.fstat(source).st_size
    tail = os.pread(source, _END.size + _COMMENT_MAX, max(total - _END.size - _COMMENT_MAX, 0))
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise broken(TRUNCATED)
    _, disk, first_disk, here, members, size, start, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise broken("Something follows after its end, or its end is cut off.")
    end = total - len(tail) + at
    if tail[max(at - _LOCATOR_64.size, 0) : at].startswith(b"PK\6\7"):
        wide = _find_directory_64(source, end)
        if any(said not in (true, *_ELSEWHERE) for said, true in zip((start, size, members), wide, strict=True)):
            raise broken("Its two ends contradict each other.")
        return wide
    if disk or first_disk or here != members:
        raise unreadable("It is one part of a zip that was split.", "Pack it again in one piece.")
    if start + size != end:
        raise broken("Something lies before its first member, or between its directory and its end.")
    return Directory(start, size, members)


def _find_directory_64(source: int, end: int) -> Directory:
    """The directory as the end for large zips tells it, which has to lie directly before the ordinary ``end``."""
    at = end - _LOCATOR_64.size - _END_64.size
    record = os.pread(source, _END_64.size + _LOCATOR_64.size, max(at, 0))
    if at < 0 or len(record) < _END_64.size + _LOCATOR_64.size:
        raise broken(TRUNCATED)
    signature, length, _, _, disk, first_disk, here, members, size, start = _END_64.unpack_from(record)
    _, located_disk, located, disks = _LOCATOR_64.unpack_from(record, _END_64.size)
    if signature != b"PK\6\6" or length != _END_64.size - 12 or located != at or start + size != at:
        raise broken("Its end is damaged, or something lies before it.")
    if disk or first_disk or located_disk or here != members or disks > 1:
        raise unreadable("It is one part of a zip that was split.", "Pack it again in one piece.")
    return Directory(start, size, members)


def _count(directory: bytes, most: int) -> int:
    """How many members a directory lists; stops behind ``most``."""
    count = position = 0
    while position < len(directory) and count <= most:
        if position + _ENTRY.size > len(directory):
            raise broken(DAMAGED)
        signature, name, extra, comment = _ENTRY.unpack_from(directory, position)
        if signature != b"PK\1\2":
            raise broken(DAMAGED)
        position += _ENTRY.size + name + extra + comment
        count += 1
    if position > len(directory):
        raise broken(DAMAGED)
    return count


def _check_readable(member: zipfile.ZipInfo) -> None:
    name = spelt(member.orig_filename)
    if member.flag_bits & _ENCRYPTED:
        raise unreadable(f"{name} is encrypted.", "Pack the release without a password.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & _PATCH:
        method = _METHODS.get(member.compress_type, f"a rare method (number {member.compress_type})")
        raise unreadable(f"{name} is compressed by {method}.", "Pack it with Deflate, as every zip program can.")


def _check_member(source: int, member: zipfile.ZipInfo, following: int) -> int:
    """Compare a member's own header with the directory, and its end with the beginning of what follows it.

    Returns where its data begins.
    """
    name = spelt(member.orig_filename)
    if member.header_offset >= following:
        raise broken(f"{name} lies where another member does, or outside of the file.")
    head = os.pread(source, _LOCAL.size + len(raw_name(member)), member.header_offset)
    if len(head) < _LOCAL.size:
        raise broken(TRUNCATED)
    if not _agrees(head, member):
        raise broken(f"Its directory and the header of {name} contradict each other.")
    _, _, flags, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(head)
    start: int = member.header_offset + _LOCAL.size + name_size + extra_size
    end = start + member.compress_size
    behind = _sizes(member) if flags & _SIZES_BEHIND else {b""}
    if end > following or os.pread(source, min(following - end, _SIZES_MAX), end) not in behind:
        raise broken(f"{name} overlaps with what follows it, or something lies between them.")
    return start


def _agrees(head: bytes, member: zipfile.ZipInfo) -> bool:
    """Whether a member's own header says what the directory does; sizes can stand elsewhere, or behind the member."""
    signature, _, flags, method, crc, packed, size, name_size, _ = _LOCAL.unpack_from(head)
    name = raw_name(member)
    left_out = (0xFFFFFFFF, 0) if flags & _SIZES_BEHIND else (0xFFFFFFFF,)
    return (
        signature == b"PK\3\4"
        and (name_size, head[_LOCAL.size :]) == (len(name), name)
        and method == member.compress_type
        and not (flags ^ member.flag_bits) & (UTF8 | _ENCRYPTED)
        and crc in (member.CRC, *left_out)
        and packed in (member.compress_size, *left_out)
        and size in (member.file_size, *left_out)
    )


def _sizes(member: zipfile.ZipInfo) -> set[bytes]:
    """Every way in which a zip that was made in one go repeats a member's sizes behind it, or does not."""
    values = (member.CRC, member.compress_size, member.file_size)
    shapes = ("<3L", "<L2Q") if max(values) <= 0xFFFFFFFF else ("<L2Q",)
    plain = {struct.pack(shape, *values) for shape in shapes}
    return {b"", *plain, *(b"PK\7\x08" + sizes for sizes in plain)}
