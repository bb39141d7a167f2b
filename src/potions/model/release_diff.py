"""What differs between two releases, file by file: added, removed, changed, and by how much."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from potions.model.deployment import Release


class FileKind(StrEnum):
    """What a name in a release is. Directories are not compared: they are there where something is in them."""

    FILE = "file"
    PROGRAM = "program"
    """A file that may be executed."""
    LINK = "link"


class IndexedFile(msgspec.Struct, frozen=True, array_like=True):
    """A file or link of a release, without its content. Names and targets are bytes, as on a disk."""

    path: bytes
    kind: FileKind
    size: int
    """Bytes; 0 for a link."""
    content: bytes
    """A hash of the file's bytes, or the link's target itself."""


class FileLook(msgspec.Struct, frozen=True):
    """A file or link of one of the two releases, as people look at it."""

    kind: FileKind
    bytes: int
    target: str = ""
    """Where a link leads."""


class FileChange(msgspec.Struct, frozen=True):
    """A name that differs. ``before`` is None for what was added, ``after`` for what was removed."""

    path: str
    before: FileLook | None
    after: FileLook | None


class Total(msgspec.Struct, frozen=True):
    """So many files and links, with the bytes in them."""

    files: int
    bytes: int


class ReleaseDiff(msgspec.Struct, frozen=True):
    """What is different in ``after`` from ``before``."""

    before: Release
    after: Release
    added: Total
    removed: Total
    changed_before: Total
    """What has other content, or became another kind of file, as it was."""
    changed_after: Total
    unchanged: Total
    files: list[FileChange]
    """In the order of their names, and not more than were asked for."""
    left_out: int
    """How many differ beyond these."""


#: A longer list than this, in bytes of names and targets, is cut short however many were asked for.
_LIST_BYTES = 16 * 1024 * 1024

_Pair = tuple[IndexedFile | None, IndexedFile | None]


def compare(
    before: Release,
    before_files: Iterable[IndexedFile],
    after: Release,
    after_files: Iterable[IndexedFile],
    limit: int,
) -> ReleaseDiff:
    """Compare two releases, naming at most ``limit`` files that differ; the totals count all of them."""
    pairs = _pairs(before_files, after_files)
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    listed = _listed(differing, limit)
    return ReleaseDiff(
        before=before,
        after=after,
        added=_total(new for old, new in differing if old is None),
        removed=_total(old for old, new in differing if new is None),
        changed_before=_total(old for old, new in differing if new is not None),
        changed_after=_total(new for old, new in differing if old is not None),
        unchanged=_total(old for old, new in pairs if old == new),
        files=listed,
        left_out=len(differing) - len(listed),
    )


def _pairs(before: Iterable[IndexedFile], after: Iterable[IndexedFile]) -> list[_Pair]:
    """What each name is in either release, in the order of the names."""
    old, new = ({file.path: file for file in files} for files in (before, after))
    return [(old.get(path), new.get(path)) for path in sorted({*old, *new})]


def _total(files: Iterable[IndexedFile | None]) -> Total:
    sizes = [file.size for file in files if file is not None]
    return Total(len(sizes), sum(sizes))


def _listed(differing: Iterable[_Pair], limit: int) -> list[FileChange]:
    listed: list[FileChange] = []
    room = _LIST_BYTES
    for old, new in differing:
        room -= _length(old) + _length(new)
        if len(listed) == limit or room < 0:
            break
        path = old.path if old is not None else new.path if new is not None else b""
        listed.append(FileChange(_text(path), _look(old), _look(new)))
    return listed


def _length(file: IndexedFile | None) -> int:
    return 0 if file is None else len(file.path) + len(file.content)


def _look(file: IndexedFile | None) -> FileLook | None:
    if file is None:
        return None
    return FileLook(file.kind, file.size, _text(file.content) if file.kind is FileKind.LINK else "")


def _text(name: bytes) -> str:
    """A name for people and JSON: bytes that are not UTF-8 as escapes."""
    return name.decode("utf-8", "backslashreplace")
