"""Zips made byte by byte, so that every lie that the format allows can be told."""

from __future__ import annotations

import stat
import struct
import tarfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

UNIX, DOS = 3, 0
STORED, DEFLATED = 0, 8
UTF8, SIZES_BEHIND = 0x800, 0x8

_KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


@dataclass(frozen=True)
class Entry:
    """One member. ``local`` and ``central`` replace fields of its two headers: name, flags, method, crc, packed, size.

    ``packed`` replaces what is stored of ``data``; ``behind`` follows it.
    """

    name: bytes
    data: bytes = b"hello"
    mode: int = stat.S_IFREG | 0o644
    method: int = DEFLATED
    flags: int = 0
    system: int = UNIX
    extra: bytes = b""
    packed: bytes | None = None
    behind: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return self.data if self.method == STORED else deflated(self.data)

    def values(self, changed: dict[str, Any]) -> dict[str, Any]:
        true = {
            "name": self.name,
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "packed": len(self.content),
            "size": len(self.data),
        }
        return {**true, "extra": self.extra, **changed}

    def header(self) -> bytes:
        says = self.values(self.local)
        fields = (says["flags"], says["method"], 0, 0x21, says["crc"], says["packed"], says["size"])
        name, extra = says["name"], says["extra"]
        return struct.pack("<4s5H3L2H", b"PK\3\4", 20, *fields, len(name), len(extra)) + name + extra

    def listed(self, offset: int) -> bytes:
        says = self.values(self.central)
        fields = (says["flags"], says["method"], 0, 0x21, says["crc"], says["packed"], says["size"])
        name, extra = says["name"], says["extra"]
        made = (20 | self.system << 8, 20)
        attributes = (self.mode << 16 if self.system == UNIX else self.mode) & 0xFFFFFFFF
        rest = (len(name), len(extra), 0, 0, 0, attributes, says.get("offset", offset))
        return struct.pack("<4s6H3L5H2L", b"PK\1\2", *made, *fields, *rest) + name + extra


def zip_of(
    entries: Sequence[Entry],
    *,
    before: bytes = b"",
    listed: Sequence[Entry] | None = None,
    count: int | None = None,
    comment: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """A zip; ``listed`` are the entries in the directory, if not all; ``before`` shifts the members only."""
    body, offsets = before, {}
    for entry in entries:
        offsets[id(entry)] = len(body)
        body += entry.header() + entry.content + entry.behind
    shown = entries if listed is None else listed
    directory = b"".join(entry.listed(offsets.get(id(entry), 0)) for entry in shown)
    number = len(shown) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, len(directory), len(body), len(comment))
    return body + directory + end + comment + behind


def zip64_of(entries: Sequence[Entry], *, count: int | None = None, repeated: int = 1, disks: int = 1) -> bytes:
    """The same with the wide end, as programs write it that cannot know whether they will need it.

    ``repeated``: how often all of the directory stands there.
    """
    plain = zip_of(entries)
    size, start = struct.unpack_from("<2L", plain, len(plain) - 10)
    directory = plain[start : start + size] * repeated
    number = len(entries) * repeated if count is None else count
    at = start + len(directory)
    wide = (number, number, len(directory), start)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, *wide) + struct.pack("<4sLQL", b"PK\6\7", 0, at, disks)
    narrow = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return plain[:start] + directory + end + narrow


def zipped(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Members of a tar as a zip; raises ValueError for what a zip cannot express."""
    return zip_of([_entry(info, data) for info, data in members])


def _entry(info: tarfile.TarInfo, data: bytes) -> Entry:
    headers = dict(info.pax_headers)
    name = headers.pop("path", info.name)
    if headers or info.type not in (tarfile.REGTYPE, tarfile.CONTTYPE, *_KINDS):
        raise ValueError(f"a zip has no such member: {info}")
    if info.isdir():
        name += "/"
    mode = _KINDS.get(info.type, stat.S_IFREG) | info.mode
    content = info.linkname if info.issym() else data
    raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return Entry(name.encode("utf-8", "surrogateescape"), raw, mode)


def deflated(data: bytes) -> bytes:
    """As Deflate packs it, without a frame around it."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packing.compress(data) + packing.flush()


def sizes_behind(entry: Entry, *, signed: bool = True, wide: bool = False) -> bytes:
    """What a zip made in one go has behind a member."""
    shape = "<L2Q" if wide else "<3L"
    sizes = struct.pack(shape, zlib.crc32(entry.data), len(entry.content), len(entry.data))
    return (b"PK\7\x08" if signed else b"") + sizes
