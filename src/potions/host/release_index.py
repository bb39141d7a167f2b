"""Reading a release without unpacking it: each file's name, kind, size and hash.

Runs inside of `Below`, as unpacking does and with all its limits and refusals: an archive comes from strangers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from potions.host.archive import Limits, Unpacked, may_repeat, unpack_into
from potions.host.archive_limits import too_large
from potions.host.release_tree import Parts, unsafe
from potions.model.release_diff import FileKind, IndexedFile

#: What all names and targets together may have, so that an index fits into memory and into the child's answer.
_NAMES_MAX_BYTES = 32 * 1024 * 1024
_HASH_BYTES = 32


class ReleaseIndex(msgspec.Struct, frozen=True):
    """What an archive holds."""

    contents: Unpacked
    files: list[IndexedFile]


def index_release(suffix: str, limits: Limits, *, source: int) -> ReleaseIndex:
    """Index the open archive ``source`` (a descriptor at its first byte). Raises what `archive.unpack` raises.

    Contents are hashed as they come and not kept. Raises ArchiveTooLarge also for names of more than 32 MiB together.
    """
    index = _Index(replaces=may_repeat(suffix))
    contents = unpack_into(index, suffix, limits, source=source)
    return ReleaseIndex(contents, index.files())


class _Entry(msgspec.Struct, frozen=True):
    kind: FileKind
    size: int
    content: bytes


class _Index:
    """Remembers what `ReleaseTree` would write, and refuses what it would refuse."""

    def __init__(self, *, replaces: bool) -> None:
        self._replaces = replaces
        self._entries: dict[Parts, _Entry] = {}
        self._folders: set[Parts] = set()
        self._room = _NAMES_MAX_BYTES

    @property
    def directories(self) -> int:
        return len(self._folders)

    def files(self) -> list[IndexedFile]:
        found = self._entries.items()
        return [IndexedFile(_bytes_of(parts), entry.kind, entry.size, entry.content) for parts, entry in found]

    def folder(self, parts: Parts) -> None:
        # From the longest: where that is known, so are those above it.
        for depth in range(len(parts), 0, -1):
            upper = parts[:depth]
            if upper in self._folders:
                return
            if upper in self._entries:
                raise unsafe(upper, "It is a directory here and a file elsewhere in the archive.")
            self._take_room(_bytes_of(upper))
            self._folders.add(upper)

    def file(self, parts: Parts, pieces: Iterable[memoryview], *, executable: bool, mtime: float) -> None:  # noqa: ARG002
        size, content = 0, blake2b(digest_size=_HASH_BYTES)
        self._make_room(parts)
        for piece in pieces:
            size += len(piece)
            content.update(piece)
        self._put(parts, _Entry(FileKind.PROGRAM if executable else FileKind.FILE, size, content.digest()))

    def hard_link(self, parts: Parts, earlier: Parts) -> None:
        there = self._entries.get(earlier)
        if there is None:
            raise unsafe(parts, "It is a hard link to something that is no earlier file of the archive.")
        self._make_room(parts)
        self._put(parts, there)

    def symbolic_link(self, parts: Parts, target: str) -> None:
        self._make_room(parts)
        content = os.fsencode(target)
        self._take_room(content)
        self._put(parts, _Entry(FileKind.LINK, 0, content))

    def strip(self, name: str) -> None:  # noqa: ARG002
        self._entries = {parts[1:]: entry for parts, entry in self._entries.items()}
        self._folders = {parts[1:] for parts in self._folders if parts[1:]}

    def make_way(self, parts: Parts) -> None:
        if not self._replaces:
            raise unsafe(parts, "The archive has it twice.")

    def _make_room(self, parts: Parts) -> None:
        self.folder(parts[:-1])
        if parts in self._entries:
            self.make_way(parts)
        if parts in self._folders:
            raise unsafe(parts, "It is a directory elsewhere in the archive.")

    def _put(self, parts: Parts, entry: _Entry) -> None:
        self._take_room(_bytes_of(parts))
        self._entries[parts] = entry

    def _take_room(self, name: bytes) -> None:
        self._room -= len(name)
        if self._room < 0:
            raise too_large(f"Its names have more than {_NAMES_MAX_BYTES // 2**20} MiB together.")


def _bytes_of(parts: Parts) -> bytes:
    return os.fsencode("/".join(parts))
