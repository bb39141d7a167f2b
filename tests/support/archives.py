"""Archives made member by member, as well-meaning and as hostile tools would write them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zstandard

from support.zips import zipped

#: The kinds of tar, and those that notice a changed byte or are cut off wherever they end.
TARS = ("tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2")
COMPRESSED = TARS[1:]


def file(name: str, data: bytes = b"hello", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A regular file."""
    return member(name, data=data, **more)


def folder(name: str, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A directory."""
    return member(name, type=tarfile.DIRTYPE, **more)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link."""
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, earlier: str) -> tuple[tarfile.TarInfo, bytes]:
    """A second name for an earlier member."""
    return member(name, type=tarfile.LNKTYPE, linkname=earlier)


def member(name: str, *, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Any member; ``fields`` are those of TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A whole tar, not compressed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if data else None)
    return buffer.getvalue()


def packed(tar_bytes: bytes, suffix: str = "tar.gz") -> bytes:
    """A tar, compressed as ``suffix`` says, with a checksum at the end."""
    pack: dict[str, Callable[[bytes], bytes]] = {
        "tar": bytes,
        "tar.gz": lambda data: gzip.compress(data, 1),
        "tar.zst": zstandard.ZstdCompressor(write_checksum=True).compress,
        "tar.xz": lambda data: lzma.compress(data, preset=0),
        "tar.bz2": bz2.compress,
    }
    return pack[suffix](tar_bytes)


def archive_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], suffix: str = "tar.gz") -> bytes:
    """An archive of these members; raises ValueError for what a zip cannot express."""
    return zipped(members) if suffix == "zip" else packed(tar(members), suffix)


def tree(root: Path) -> dict[str, str | bytes]:
    """What lies below a directory: the bytes of files, ``-> target`` for links, ``/`` for directories."""
    found: dict[str, str | bytes] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "/" if path.is_dir() else path.read_bytes()
    return found
