"""The members of a tar, compressed or not."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Any, cast

from potions.host.archive_limits import Limits, Report, broken
from potions.host.archive_member import Member, MemberKind
from potions.host.archive_stream import ArchiveStream


def tar_members(suffix: str, source: int, limits: Limits, report: Report) -> Iterator[Member]:
    """Read the tar in the open file ``source`` from front to back; whoever takes all members knows that it is whole.

    ``report`` hears the bytes of the file read so far and in total. Raises ArchiveBroken, ArchiveTooLarge, NoRoom and
    OSError.
    """
    stream = ArchiveStream(source, suffix, limits, report)
    try:
        tar = tarfile.TarFile(fileobj=cast(IO[bytes], stream), encoding="utf-8", errors="surrogateescape")
        while (info := tar.next()) is not None:
            stream.end_headers()
            _forget(tar)
            yield _member(info, stream)
    except (tarfile.TarError, ValueError, RecursionError) as error:
        raise broken(f"It is no tar that can be read ({error}).") from error
    stream.finish()


def _forget(tar: tarfile.TarFile) -> None:
    """Drop what tarfile would keep in memory: every member, and what global headers say that no member uses."""
    cast(Any, tar).members.clear()
    if tar.pax_headers:
        known = {name: value for name, value in tar.pax_headers.items() if name in tarfile.PAX_FIELDS}
        cast(Any, tar).pax_headers = known


def _member(info: tarfile.TarInfo, stream: ArchiveStream) -> Member:
    if info.isdir():
        return Member(info.name, MemberKind.DIRECTORY, mtime=info.mtime)
    if info.issym():
        return Member(info.name, MemberKind.LINK, info.linkname)
    if info.islnk():
        return Member(info.name, MemberKind.HARD_LINK, info.linkname)
    if info.issparse():
        return Member(info.name, MemberKind.ODD, reason="It is a sparse file; pack without tar's --sparse.")
    if not info.isreg():
        reason = "It is a device, a named pipe or another thing that is no file, directory or link."
        return Member(info.name, MemberKind.ODD, reason=reason)
    return Member(
        info.name,
        MemberKind.FILE,
        executable=bool(info.mode & 0o111),
        mtime=info.mtime,
        size=info.size,
        content=partial(stream.pieces, info.size),
    )
