"""Unpacking a release: every member is looked at and written by ourselves, nothing is left to an extractor's judgement.

Runs inside of `Below`, as the app's user: members come from strangers, and apps run beside.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from potions.errors import UnsafePath
from potions.host.archive_stream import ArchiveStream, Limits, Report, broken, too_large
from potions.host.descriptors import directory
from potions.host.release_tree import Destination, Parts, ReleaseTree, unsafe
from potions.model.archive_format import ARCHIVE_SUFFIXES, link_leaves, suffix_of

__all__ = ["ARCHIVE_SUFFIXES", "Limits", "Report", "Unpacked", "suffix_of", "unpack", "unpack_into"]

_NAME_MAX_BYTES = 255
#: What Linux takes as a path, and so as a link's target.
_PATH_MAX_BYTES = 4095


class Unpacked(msgspec.Struct, frozen=True):
    """What a release turned out to hold: regular files, and the bytes in them."""

    files: int
    bytes: int


def _quiet(_done: int, _total: int) -> None:
    return


def unpack(suffix: str, destination: Path, limits: Limits, *, source: int, report: Report = _quiet) -> Unpacked:
    """Unpack the open archive ``source`` (a descriptor at its first byte) into the empty directory ``destination``.

    Of modes only the executable bit is kept, of times the one of files. One directory that encloses everything is
    stripped. ``report`` hears the bytes of the archive read so far and in total, at most every 0.1 s.

    Raises ArchiveBroken (cut off, damaged, no tar, no file in it), ArchiveUnsafe (a member that leaves the release, or
    is no file, directory or link), ArchiveTooLarge, ReleaseRefused (unknown ``suffix``), UnsafePath (``destination``
    is not empty) and OSError. What was written until then stays for the caller to remove.
    """
    with directory(destination) as root, closing(ReleaseTree(root)) as tree:
        if os.listdir(root):  # noqa: PTH208 - a descriptor, not a path
            raise UnsafePath(f"{destination} is not empty.", why="A release is only unpacked into a clean directory.")
        return unpack_into(tree, suffix, limits, source=source, report=report)


def unpack_into(tree: Destination, suffix: str, limits: Limits, *, source: int, report: Report = _quiet) -> Unpacked:
    """Read a whole archive, demand of it what `unpack` demands, and hand each member to ``tree``; see there."""
    stream = ArchiveStream(source, suffix, limits, report)
    unpacking = _Unpacking(stream, tree, limits)
    for member in _members(stream):
        unpacking.member(member)
    stream.finish()
    return unpacking.finish()


def _members(stream: ArchiveStream) -> Iterator[tarfile.TarInfo]:
    """The members, each while the stream stands at its data."""
    try:
        tar = tarfile.TarFile(fileobj=cast(IO[bytes], stream), encoding="utf-8", errors="surrogateescape")
        while (member := tar.next()) is not None:
            yield member
            # tarfile keeps every member, for lookups by name that nobody does here.
            cast(Any, tar).members.clear()
    except (tarfile.TarError, ValueError, RecursionError) as error:
        raise broken(f"It is no tar that can be read ({error}).") from error


class _Unpacking:
    """One archive on its way into a directory. Links are kept until the end, so that nothing is written through one."""

    def __init__(self, stream: ArchiveStream, tree: Destination, limits: Limits) -> None:
        self._stream = stream
        self._tree = tree
        self._limits = limits
        self._links: dict[Parts, str] = {}
        self._tops: set[str] = set()
        self._flat = False
        self._members = 0
        self._files = 0
        self._bytes = 0

    def member(self, member: tarfile.TarInfo) -> None:
        """Write a file or a directory, remember a link, or refuse."""
        self._members += 1
        if self._members > self._limits.files:
            raise too_large(f"It has more than {self._limits.files:,} members.")
        parts = self._parts(member.name)
        if member.isdir():
            self._directory(parts)
            return
        if not parts:
            raise unsafe([member.name], "It is the release itself, and no directory.")
        self._refuse_below_link(parts[:-1])
        self._flat = self._flat or len(parts) == 1
        self._tops.add(parts[0])
        self._leaf(member, parts)

    def _leaf(self, member: tarfile.TarInfo, parts: Parts) -> None:
        if member.issym():
            self._links[parts] = _target(member, parts)
        elif member.islnk():
            self._hard_link(member, parts)
        elif member.issparse():
            raise unsafe(parts, "It is a sparse file; pack without tar's --sparse.")
        elif member.isreg():
            self._file(member, parts)
        else:
            raise unsafe(parts, "It is a device, a named pipe or another thing that is no file, directory or link.")

    def _directory(self, parts: Parts) -> None:
        if parts:
            self._refuse_below_link(parts)
            self._tops.add(parts[0])
            self._tree.folder(parts)

    def _file(self, member: tarfile.TarInfo, parts: Parts) -> None:
        pieces = self._stream.pieces(member.size)
        self._tree.file(parts, pieces, executable=bool(member.mode & 0o111), mtime=member.mtime)
        self._links.pop(parts, None)
        self._files += 1
        self._bytes += member.size

    def _hard_link(self, member: tarfile.TarInfo, parts: Parts) -> None:
        earlier = self._parts(member.linkname)
        self._refuse_below_link(earlier)
        if not earlier:
            raise unsafe(parts, "It is a hard link to the release itself.")
        self._tree.hard_link(parts, earlier)
        self._links.pop(parts, None)
        self._files += 1

    def _parts(self, name: str) -> Parts:
        """A member's name, split, without empty parts; refused if it leaves the release or no disk can hold it."""
        if not name or "\0" in name:
            raise unsafe([name], "It has no name, or a NUL in its name.")
        if name.startswith("/"):
            raise unsafe([name], "Its name is an absolute path.")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts:
            raise unsafe([name], "Its name has .. in it.")
        if any(len(os.fsencode(part)) > _NAME_MAX_BYTES for part in parts):
            raise unsafe([name], f"One of its names is longer than {_NAME_MAX_BYTES} bytes.")
        if len(parts) > self._limits.depth:
            raise too_large(f"Its directories are nested more than {self._limits.depth} deep.")
        return parts

    def _refuse_below_link(self, parts: Parts) -> None:
        if self._links and any(parts[:depth] in self._links for depth in range(1, len(parts) + 1)):
            raise unsafe(parts, "A link of the archive is on its way.")

    def finish(self) -> Unpacked:
        """Strip an enclosing directory and make the links, now that nothing will be written any more."""
        if not self._files:
            raise broken("There is no file in it.")
        if len(self._tops) == 1 and not self._flat:
            self._tree.strip(self._tops.pop())
            self._links = {parts[1:]: target for parts, target in self._links.items()}
        for parts, target in self._links.items():
            if link_leaves(parts[:-1], target, self._links):
                raise unsafe(parts, "It is a link that leads out of the release, or nowhere.")
        for parts, target in self._links.items():
            self._tree.symbolic_link(parts, target)
        return Unpacked(self._files, self._bytes)


def _target(member: tarfile.TarInfo, parts: Parts) -> str:
    target = member.linkname
    if not target or "\0" in target or len(os.fsencode(target)) > _PATH_MAX_BYTES:
        raise unsafe(parts, "It is a link without a target that a file system could hold.")
    return target
