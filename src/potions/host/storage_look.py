"""Looking at a storage, as the app's user: one entry, a folder, how much is used."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from potions.errors import StoredUnknown
from potions.host.put_token import is_on_its_way
from potions.host.stored import folder_at, status_at, target_of, told
from potions.host.stored_entry import entry_of
from potions.host.usage import Census, use_of
from potions.model.stored import Order, StoredEntry, StoredFolder, Use
from potions.names import StoredPath

#: How far down folders are ranked. Deeper ones count for the one above them.
DEPTH_MAX = 32

#: The lowest priority there is, for the disk too where its scheduler knows any.
_NICEST = 19


def stored_entry(storage: Path, path: StoredPath) -> StoredEntry:
    """What lies at a path. Raises what `folder_at` and `status_at` raise."""
    if not path.parts:
        with folder_at(storage, path) as top:
            return entry_of(path, os.fstat(top))
    with folder_at(storage, path.parent) as folder:
        return _entry(path, folder, status_at(path, folder))


def list_folder(storage: Path, path: StoredPath, order: Order, offset: int, limit: int, puts: Path) -> StoredFolder:
    """At most ``limit`` entries of a folder from ``offset`` on. Raises what `folder_at` raises.

    By name, only the entries that are told are looked at; another order has to look at all of them. What is on its way
    into the storage, as ``puts`` knows, is not told.
    """
    with folder_at(storage, path) as folder:
        with told(path, folder), os.scandir(folder) as entries:
            found = [entry for entry in entries if not is_on_its_way(entry.name, folder, puts)]
            found.sort(key=lambda entry: (not entry.is_dir(follow_symlinks=False), os.fsencode(entry.name)))
        names = [entry.name for entry in found]
        if order is Order.NAME:
            there = list(_looked_at(path, folder, names[offset : offset + limit]))
        else:
            there = sorted(_looked_at(path, folder, names), key=_KEYS[order])[offset : offset + limit]
        return StoredFolder(path.encoded, [_entry(inside, folder, status) for inside, status in there], len(names))


_Looked = tuple[StoredPath, os.stat_result]

#: Of two alike, the first by name comes first, as they were before.
_KEYS: dict[Order, Callable[[_Looked], float]] = {
    Order.NEWEST: lambda looked: -looked[1].st_mtime,
    Order.LARGEST: lambda looked: -looked[1].st_size if stat.S_ISREG(looked[1].st_mode) else 1,
}


def _looked_at(path: StoredPath, folder: int, names: list[str]) -> Iterator[_Looked]:
    """The names that are still there, with what they are."""
    for name in names:
        inside = path.inside(name)
        with suppress(StoredUnknown):
            yield inside, status_at(inside, folder)


def _entry(path: StoredPath, folder: int, status: os.stat_result) -> StoredEntry:
    return entry_of(path, status, target_of(path, folder) if stat.S_ISLNK(status.st_mode) else None)


def measure_use(
    storage: Path,
    path: StoredPath,
    depth: int,
    top: int,
    *,
    begin: Callable[[None], None],
    report: Callable[[int, int], None],
) -> Use:
    """What lies below a folder, and the ``top`` largest folders down to ``depth`` levels below it.

    Raises what `folder_at` raises, before ``begin`` is called. ``report`` hears the files and bytes counted so far.
    """
    began = time.monotonic()
    with folder_at(storage, path) as folder:
        begin(None)
        census = Census(depth=min(depth, DEPTH_MAX), top=top, path=path).count(folder, report)
    return use_of(census, path, time.monotonic() - began)


def measure_quietly(storage: Path) -> Use:
    """What lies below the storage. This process gives way to every other one from now on.

    Raises what `folder_at` raises.
    """
    os.nice(_NICEST)
    began = time.monotonic()
    with folder_at(storage, StoredPath()) as folder:
        census = Census().count(folder)
    return use_of(census, StoredPath(), time.monotonic() - began)
