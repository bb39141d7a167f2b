"""Changing what is in a storage, as the app's user: folders made, entries renamed and removed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from potions.errors import StoredForbidden, StoredKindRefused, StoredNotEmpty, StoredPathRefused
from potions.host.descriptors import directory
from potions.host.files import rename_new
from potions.host.removal import refuse_mounts, remove_entry
from potions.host.stored import changed, deepest_folder, folder_at, forbidden, status_at, taken, told
from potions.host.stored_entry import entry_of, kind_of
from potions.host.usage import Census
from potions.model.stored import StoredEntry, StoredKind, StoredRemoval
from potions.names import StoredPath, shown_name

FOLDER_MODE = 0o755


def make_folder(storage: Path, path: StoredPath) -> StoredEntry:
    """Make a folder, and those on the way to it that are missing. It survives a power loss once this returns.

    A crash leaves a beginning of the way. Raises StoredTaken where something is there, what `folder_at` raises for the
    way to it, and OSError.
    """
    with deepest_folder(storage, path) as (folder, missing):
        if not missing:
            raise taken(path, kind_of(os.fstat(folder).st_mode))
        made = make_way(path, folder, len(missing), exclusive=True)
    try:
        return entry_of(path, os.fstat(made))
    finally:
        os.close(made)


def make_way(path: StoredPath, folder: int, missing: int, *, exclusive: bool) -> int:
    """Make the last ``missing`` folders of a path below an open one; the last one's descriptor, to be closed.

    Where the app makes one of them meanwhile, that one is used; with ``exclusive``, not for the last. Raises
    StoredTaken, what `folder_at` raises, and OSError.
    """
    inner = os.dup(folder)
    depth = len(path.parts)
    for level in range(depth - missing + 1, depth + 1):
        above = inner
        try:
            inner = _make_or_enter(StoredPath(path.parts[:level]), above, exclusive=exclusive and level == depth)
        finally:
            os.close(above)
    return inner


def _make_or_enter(path: StoredPath, above: int, *, exclusive: bool) -> int:
    with told(path, above):
        made = _make(path.name, above, exclusive=exclusive)
        with directory(path.name, within=above) as folder:
            if made:
                os.fchmod(folder, FOLDER_MODE)
                os.fsync(above)
            return os.dup(folder)


def _make(name: str, above: int, *, exclusive: bool) -> bool:
    try:
        os.mkdir(name, FOLDER_MODE, dir_fd=above)
    except FileExistsError:
        if exclusive:
            raise
        return False
    return True


def move_stored(storage: Path, source: StoredPath, target: StoredPath) -> StoredEntry:
    """Give a file, a folder or a link another name or another folder; a link itself, not what it leads to.

    Nothing is ever replaced. After a crash exactly one of the two names is there. Raises StoredTaken where something
    has the new name, StoredPathRefused for the storage itself and for a folder that would go into itself, what
    `folder_at` raises for the ways to both, and OSError.
    """
    _refuse_top(source, "moved")
    if not target.parts:
        raise taken(target, StoredKind.FOLDER)
    with folder_at(storage, source.parent) as before, folder_at(storage, target.parent) as after:
        status = status_at(source, before)
        try:
            rename_new(source.name, before, target.name, after)
        except FileExistsError:
            raise taken(target, kind_of(status_at(target, after).st_mode)) from None
        except PermissionError:
            raise forbidden(source, status) from None
        except FileNotFoundError:
            raise changed(source) from None
        except OSError as error:
            raise _not_moved(error, source, target) from error
        os.fsync(after)
        os.fsync(before)
        return entry_of(target, status)


def _not_moved(error: OSError, source: StoredPath, target: StoredPath) -> Exception:
    if error.errno == errno.EINVAL:
        return StoredPathRefused(f"{source} cannot be moved to {target}.", why="A folder cannot go into itself.")
    if error.errno == errno.EXDEV:
        return StoredKindRefused(f"{source} cannot be moved to {target}.", why="They are on different disks.")
    return error


def remove_stored(storage: Path, path: StoredPath, recursive: bool) -> StoredRemoval:
    """Remove a file, a link or a folder for good; a link itself, not what it leads to.

    A crash leaves a part of a folder; calling again removes the rest. Raises StoredNotEmpty for a folder with something
    in it, unless it is ``recursive``; StoredPathRefused for the storage itself; UnsafePath where something is mounted
    in it; what `folder_at` raises for the way to it, and OSError.
    """
    _refuse_top(path, "removed")
    with folder_at(storage, path.parent) as folder:
        status = status_at(path, folder)
        counted = _count(path, folder, status)
        if stat.S_ISDIR(status.st_mode):
            _refuse_mounts(storage, path)
        if recursive:
            _remove_all(path, folder)
        else:
            with told(path, folder):
                _remove_one(path, folder, status)
        os.fsync(folder)
        return StoredRemoval(path.encoded, kind_of(status.st_mode), *counted)


def _remove_one(path: StoredPath, folder: int, status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(path.name, dir_fd=folder)
        return
    try:
        os.rmdir(path.name, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise StoredNotEmpty(
                f"{path} has something in it.", why="Nothing was removed.", do="To remove all of it, add: -r"
            ) from None
        raise


def _remove_all(path: StoredPath, folder: int) -> None:
    try:
        remove_entry(path.name, within=folder)
    except PermissionError as error:
        raise StoredForbidden(
            f"{path} could not be removed wholly.",
            why=f"The app's own user is kept away from {shown_name(os.fsdecode(error.filename or ''))} in it.",
            do="Look at the owners and modes in it; some of it may belong to root.",
        ) from error


def _count(path: StoredPath, folder: int, status: os.stat_result) -> tuple[int, int]:
    """The files that go, and their bytes."""
    if not stat.S_ISDIR(status.st_mode):
        return (1, status.st_size) if stat.S_ISREG(status.st_mode) else (0, 0)
    try:
        with told(path, folder), directory(path.name, within=folder) as inside:
            census = Census().count(inside)
    except StoredForbidden:
        # Its owner can still let itself in, to remove it.
        return 0, 0
    return census.total.files, census.total.bytes


def _refuse_mounts(storage: Path, path: StoredPath) -> None:
    with directory(storage) as top:
        real = Path(f"/proc/self/fd/{top}").readlink()
    refuse_mounts(real.joinpath(*path.parts))


def _refuse_top(path: StoredPath, done: str) -> None:
    if not path.parts:
        raise StoredPathRefused(
            f"The storage itself is not {done}.",
            why="The app needs it to be there.",
            do="Name what is in it. The whole app, with its storage, goes with: potions apps delete",
        )
