"""Linking a slot's ``storage`` to the persistent one, and what becomes of a ``storage`` that the release ships."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from potions.errors import ShippedStorage
from potions.host.descriptors import directory, is_not_directory, look, shown, write_all
from potions.host.files import rename_new, sync_filesystem
from potions.host.removal import remove_entry
from potions.model.plan import Shipped

NAME = "storage"

#: Files that only keep an empty directory in a repository.
_KEEPERS = frozenset({".gitkeep", ".keep", ".gitignore"})
_SHOWN = 5
_COPY_BYTES = 1024 * 1024
#: A file that is being copied. One name, so that what a crash left behind is taken away by the next try.
_TEMPORARY = ".potions-seed.partial"


def link_storage(slot: Path, target: str, storage: Path, shipped: Shipped) -> list[str]:
    """Make ``storage`` in a slot a link to ``target``, which is the directory ``storage``; returns notes for the log.

    A release's own empty ``storage`` (or one with only .gitkeep, .keep or .gitignore) makes room. Any other is refused
    with ShippedStorage, or removed (``discard``), or copied to where storage has nothing yet and then removed
    (``seed``; links in it are refused). Nothing in storage is changed or replaced, but for ``.potions-seed.partial``, a
    copy that a crash cut short. May be called again after a crash. Raises OSError.
    """
    with directory(slot) as folder:
        there = look(NAME, within=folder)
        if there is not None and stat.S_ISLNK(there.st_mode) and os.readlink(NAME, dir_fd=folder) == target:
            return []
        notes = [] if there is None else _make_room(folder, there, storage, shipped)
        os.symlink(target, NAME, dir_fd=folder)
    return notes


def _make_room(slot: int, there: os.stat_result, storage: Path, shipped: Shipped) -> list[str]:
    notes = _settle(slot, there, storage, shipped)
    remove_entry(NAME, within=slot)
    return notes


def _settle(slot: int, there: os.stat_result, storage: Path, shipped: Shipped) -> list[str]:
    """Decide about what the release ships, and copy it if asked for; nothing is removed yet."""
    if not stat.S_ISDIR(there.st_mode):
        what = "link" if stat.S_ISLNK(there.st_mode) else "file"
        if shipped is Shipped.DISCARD:
            return [f"The release's own storage, a {what}, was discarded."]
        raise _refused(f"It has a {what} of that name.", shipped)
    with directory(NAME, within=slot) as own:
        if _only_keepers(own):
            return ["The release's own storage was empty; the persistent one took its place."]
        if shipped is Shipped.DISCARD:
            return ["The release's own storage was discarded."]
        if shipped is Shipped.REFUSE:
            raise _refused("It has: " + _some(_paths(own, NAME)), shipped)
        odd = _some(_paths(own, NAME, only_odd=True))
        if odd:
            raise _refused(f"It cannot be copied whole; neither file nor directory: {odd}", shipped)
        return _seed(own, storage)


def _refused(why: str, shipped: Shipped) -> ShippedStorage:
    ways = 'or set [storage] shipped = "discard" (leave it behind) in potions.toml'
    if shipped is Shipped.REFUSE:
        ways = 'or set [storage] shipped = "discard" (leave it behind) or "seed" (copy what is missing) in potions.toml'
    return ShippedStorage(
        "The release brings its own storage, where the persistent one has to be.",
        why=why,
        do=f"Leave storage out of the release, {ways}.",
    )


def _only_keepers(folder: int) -> bool:
    with os.scandir(folder) as entries:
        return all(entry.name in _KEEPERS and entry.is_file(follow_symlinks=False) for entry in entries)


def _some(paths: Iterator[str]) -> str:
    """The first paths, and whether there are more."""
    first = [path for path, _ in zip(paths, range(_SHOWN + 1), strict=False)]
    return ", ".join(first[:_SHOWN]) + (", and more" if len(first) > _SHOWN else "")


def _paths(folder: int, path: str, *, only_odd: bool = False) -> Iterator[str]:
    """The files and empty directories below a directory; with ``only_odd`` what is neither file nor directory."""
    names = sorted(os.listdir(folder))
    if not names and not only_odd:
        yield f"{path}/"
    for name in names:
        there = look(name, within=folder)
        if there is None:
            continue
        if stat.S_ISDIR(there.st_mode):
            with directory(name, within=folder) as inside:
                yield from _paths(inside, f"{path}/{name}", only_odd=only_odd)
        elif not only_odd or not stat.S_ISREG(there.st_mode):
            yield shown(f"{path}/{name}")


def _seed(own: int, storage: Path) -> list[str]:
    with directory(storage) as persistent:
        copied, there = _copy_tree(own, persistent)
    # The release's copy goes next, so this one has to be on disk.
    sync_filesystem(storage)
    return [f"Storage was seeded with {copied} files of the release; {there} were there already."]


def _copy_tree(source: int, destination: int) -> tuple[int, int]:
    """Copy what the destination has not; returns how many files were copied, and how many names were taken."""
    copied = taken = 0
    for name in sorted(os.listdir(source)):
        there = look(name, within=source)
        if there is not None and stat.S_ISDIR(there.st_mode):
            inside = _copy_directory(name, source, destination)
            copied, taken = copied + inside[0], taken + inside[1]
        elif _copy_file(name, source, destination):
            copied += 1
        else:
            taken += 1
    return copied, taken


def _copy_directory(name: str, source: int, destination: int) -> tuple[int, int]:
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=destination)
    try:
        with directory(name, within=source) as own, directory(name, within=destination) as persistent:
            return _copy_tree(own, persistent)
    except OSError as error:
        if is_not_directory(error):
            return 0, 1
        raise


def _copy_file(name: str, source: int, destination: int) -> bool:
    """Copy one file, so that the name appears with all of its bytes or not at all; False if the name is taken."""
    if look(name, within=destination) is not None:
        return False
    original = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
    try:
        _copy_bytes(original, destination)
    finally:
        os.close(original)
    try:
        rename_new(_TEMPORARY, destination, name, destination)
    except FileExistsError:
        remove_entry(_TEMPORARY, within=destination)
        return False
    return True


def _copy_bytes(original: int, destination: int) -> None:
    remove_entry(_TEMPORARY, within=destination)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    copy = os.open(_TEMPORARY, flags, 0o600, dir_fd=destination)
    try:
        while data := os.read(original, _COPY_BYTES):
            write_all(copy, data)
        os.fchmod(copy, 0o755 if os.fstat(original).st_mode & stat.S_IXUSR else 0o644)
    finally:
        os.close(copy)
