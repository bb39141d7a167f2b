"""From what the system says of a file to how it is told."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime

from potions.model.stored import StoredEntry, StoredKind
from potions.names import StoredPath

#: The years 1 and 9999: what a file system can say of a file's time is more than a calendar has.
_EARLIEST = datetime.min.replace(tzinfo=UTC).timestamp()
_LATEST = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()


def kind_of(mode: int) -> StoredKind:
    """What something is, by its mode."""
    if stat.S_ISREG(mode):
        return StoredKind.FILE
    if stat.S_ISDIR(mode):
        return StoredKind.FOLDER
    return StoredKind.LINK if stat.S_ISLNK(mode) else StoredKind.OTHER


def entry_of(path: StoredPath, status: os.stat_result, target: str | None = None) -> StoredEntry:
    """How something is told. ``target`` is where a link leads."""
    kind = kind_of(status.st_mode)
    return StoredEntry(
        name=_text(path.name),
        path=path.encoded,
        kind=kind,
        bytes=status.st_size if kind is StoredKind.FILE else 0,
        modified=moment(status.st_mtime),
        mode=stat.S_IMODE(status.st_mode),
        target=None if target is None else _text(target),
    )


def moment(seconds: float) -> datetime:
    """A file's time as a moment; what no calendar has, as the nearest one."""
    return datetime.fromtimestamp(min(max(seconds, _EARLIEST), _LATEST), UTC)


def _text(name: str) -> str:
    """A name as valid text; bytes that are no UTF-8 as ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
