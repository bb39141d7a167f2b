"""Reaching what lies in a storage: by descriptors from its top, one name at a time, and never through a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from potions.errors import (
    PotionsError,
    StoredChanged,
    StoredForbidden,
    StoredKindRefused,
    StoredLink,
    StoredTaken,
    StoredUnknown,
)
from potions.host.descriptors import directory, is_not_directory, look
from potions.host.stored_entry import kind_of
from potions.model.stored import StoredKind
from potions.names import StoredPath, shown_name

#: O_NONBLOCK, or opening a named pipe would wait for a writer for ever.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_WORDS = {
    StoredKind.FILE: "a file",
    StoredKind.FOLDER: "a folder",
    StoredKind.LINK: "a link",
    StoredKind.OTHER: "a socket, a named pipe or a device",
}
_NEEDED = {
    StoredKind.FILE: "A folder is needed here.",
    StoredKind.FOLDER: "A file is needed here.",
    StoredKind.LINK: "Only files and folders can be used.",
    StoredKind.OTHER: "Only files and folders can be used.",
}


@contextmanager
def folder_at(storage: Path, path: StoredPath) -> Iterator[int]:
    """Give the descriptor of a folder in a storage, closed afterwards.

    Raises StoredUnknown, StoredLink, StoredKindRefused or StoredForbidden, about the first name on the way that is no
    folder, and OSError.
    """
    folder = _top(storage)
    try:
        for depth in range(len(path.parts)):
            inner = _step(folder, StoredPath(path.parts[: depth + 1]))
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _top(storage: Path) -> int:
    try:
        with directory(storage) as top:
            return os.dup(top)
    except PermissionError:
        raise forbidden(StoredPath(()), look(storage)) from None


def _step(folder: int, path: StoredPath) -> int:
    with told(path, folder), directory(path.name, within=folder) as inner:
        return os.dup(inner)


@contextmanager
def deepest_folder(storage: Path, path: StoredPath) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Give the descriptor of the last folder on the way to ``path`` that is there, and the names that are missing.

    Raises what `folder_at` raises, but for a name that is missing.
    """
    with ExitStack() as opened:
        for depth in range(len(path.parts), -1, -1):
            try:
                folder = opened.enter_context(folder_at(storage, StoredPath(path.parts[:depth])))
            except StoredUnknown:
                continue
            yield folder, path.parts[depth:]
            return


@contextmanager
def file_at(storage: Path, path: StoredPath) -> Iterator[tuple[int, os.stat_result]]:
    """Give the descriptor of a regular file in a storage, open for reading, with what it was when it was opened.

    Raises what `folder_at` raises, and StoredKindRefused for what is no regular file.
    """
    if not path.parts:
        raise wrong_kind(path, StoredKind.FOLDER)
    with folder_at(storage, path.parent) as folder:
        with told(path, folder):
            opened = os.open(path.name, READ, dir_fd=folder)
        try:
            status = os.fstat(opened)
            if not stat.S_ISREG(status.st_mode):
                raise wrong_kind(path, kind_of(status.st_mode))
            yield opened, status
        finally:
            os.close(opened)


def status_at(path: StoredPath, folder: int) -> os.stat_result:
    """What lies at the last name of ``path``, in its open ``folder``; a link is a link. Raises StoredUnknown."""
    with told(path, folder):
        return os.stat(path.name, dir_fd=folder, follow_symlinks=False)


@contextmanager
def told(path: StoredPath, folder: int) -> Iterator[None]:
    """Tell what the system refuses about the last name of ``path``, in its open ``folder``, in words."""
    try:
        yield
    except OSError as error:
        raise _refusal(error, path, folder) from error


@contextmanager
def told_of_folder(path: StoredPath, folder: int) -> Iterator[None]:
    """Tell in words that an open folder on the way to ``path`` takes nothing new."""
    try:
        yield
    except PermissionError:
        raise forbidden(path.parent, os.fstat(folder)) from None
    except FileNotFoundError:
        raise changed(path.parent) from None


def _refusal(error: OSError, path: StoredPath, folder: int) -> PotionsError | OSError:
    if isinstance(error, FileNotFoundError):
        return unknown(path)
    if isinstance(error, FileExistsError):
        return taken(path)
    if isinstance(error, PermissionError):
        return forbidden(path, _seen(path, folder))
    # A socket cannot be opened at all.
    if is_not_directory(error) or error.errno == errno.ENXIO:
        there = _seen(path, folder)
        if there is None or stat.S_ISDIR(there.st_mode):
            return changed(path)
        if stat.S_ISLNK(there.st_mode):
            return is_link(path, target_of(path, folder))
        return wrong_kind(path, kind_of(there.st_mode))
    return error


def _seen(path: StoredPath, folder: int) -> os.stat_result | None:
    try:
        return look(path.name, within=folder) if path.parts else os.fstat(folder)
    except OSError:
        return None


def target_of(path: StoredPath, folder: int) -> str:
    """Where a link leads; ``?`` where it is none any more."""
    try:
        return os.readlink(path.name, dir_fd=folder)
    except OSError:
        return "?"


# What is told


def unknown(path: StoredPath) -> StoredUnknown:
    return StoredUnknown(f"The storage has no {path}.", do="See what is there: potions storage ls APP")


def taken(path: StoredPath, kind: StoredKind | None = None) -> StoredTaken:
    what = f"It is {_WORDS[kind]}. " if kind else ""
    return StoredTaken(f"{_called(path)} is there already.", why=f"{what}Nothing was changed.")


def is_link(path: StoredPath, target: str) -> StoredLink:
    return StoredLink(
        f"{path} is a link to {shown_name(target)}.",
        why="The app can make a link lead anywhere, so Potions follows none.",
        do="Name what it leads to, if that is in the storage.",
    )


def wrong_kind(path: StoredPath, kind: StoredKind) -> StoredKindRefused:
    return StoredKindRefused(f"{_called(path)} is {_WORDS[kind]}.", why=_NEEDED[kind])


def forbidden(path: StoredPath, status: os.stat_result | None) -> StoredForbidden:
    why = "Its folder does not allow it."
    if status is not None:
        whose = "the app's user" if status.st_uid == os.geteuid() else f"the user with the number {status.st_uid}"
        why = f"It belongs to {whose} and has the mode {stat.S_IMODE(status.st_mode):03o}."
    return StoredForbidden(
        f"{_called(path)} cannot be used by the app's own user.", why=why, do="Change its mode or its owner."
    )


def changed(path: StoredPath) -> StoredChanged:
    return StoredChanged(
        f"{_called(path)} was changed, moved or removed meanwhile.",
        why="The app works in its storage.",
        do="Try again.",
    )


def _called(path: StoredPath) -> str:
    return str(path) if path.parts else "The storage itself"
