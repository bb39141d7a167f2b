"""Putting files into a storage, as the app's user: beside their place first, and there only when they are whole.

What is on its way has one name, with a token that is written down before (see `put_token`), so that what a crash left
is known for certain, and nothing else is ever taken for it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from potions.errors import NoRoom, StoredKindRefused, StoredLink, StoredUnknown, UploadBroken
from potions.host.descriptors import look, write_all
from potions.host.files import rename_new
from potions.host.put_token import temporary_name
from potions.host.removal import remove_entry
from potions.host.storage_change import make_way
from potions.host.stored import (
    changed,
    deepest_folder,
    folder_at,
    is_link,
    status_at,
    taken,
    target_of,
    told_of_folder,
    wrong_kind,
)
from potions.host.stored_entry import entry_of, kind_of
from potions.model.stored import StoredEntry, StoredKind
from potions.names import StoredPath

FILE_MODE = 0o644
EXECUTABLE_MODE = 0o755

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_BYTES = 256 * 1024
_LOOK_AT_ROOM_EVERY = 16 * 1024 * 1024
#: How many bytes of a piece follow. A piece of none says that there are no more.
LENGTH_BYTES = 4


class Room(msgspec.Struct, frozen=True):
    """What a put may take of the disk."""

    kept: int
    """Bytes that are left free for everything else."""
    announced: int | None
    """Bytes that are to come, where that is known."""


def framed(data: bytes) -> bytes:
    """A piece of a file on its way to `put_file`; empty ``data`` says that this was all of it."""
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def put_file(
    storage: Path,
    path: StoredPath,
    token: str,
    room: Room,
    *,
    replace: bool,
    executable: bool,
    source: int,
    begin: Callable[[None], None],
) -> StoredEntry:
    """Make a file of the pieces that come through ``source``, once ``begin`` was called; with it, its missing folders.

    Written beside its place, brought to the disk, and only then renamed: after a crash at any moment, power loss
    included, there is all of the old file, or all of the new one. The folder it lies in is held open, so that the app
    can make nothing lead elsewhere. Raises StoredTaken for a file that is there, unless it is to be replaced; what
    `folder_at` raises for its way, and StoredKindRefused or StoredLink for anything but a file in its place; NoRoom;
    UploadBroken where not all pieces came.
    """
    if not path.parts:
        raise wrong_kind(path, StoredKind.FOLDER)
    with deepest_folder(storage, path.parent) as (folder, missing):
        if not missing:
            _refuse_what_is_there(path, folder, replace=replace)
        room_left = RoomLeft(folder, room)
        with _new_file(path, temporary_name(token), folder) as file:
            begin(None)
            _write(_pieces(source), file, room_left)
            os.fchmod(file, EXECUTABLE_MODE if executable else FILE_MODE)
            os.fsync(file)
            _place(path, temporary_name(token), folder, len(missing), replace=replace)
            return entry_of(path, os.fstat(file))


@contextmanager
def _new_file(path: StoredPath, temporary: str, folder: int) -> Iterator[int]:
    """Give a new file to write, which is gone afterwards unless it got another name."""
    with told_of_folder(path, folder):
        file = os.open(temporary, _NEW_FILE, 0o600, dir_fd=folder)
    try:
        yield file
    finally:
        os.close(file)
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def _refuse_what_is_there(path: StoredPath, folder: int, *, replace: bool) -> None:
    there = look(path.name, within=folder)
    if there is None:
        return
    if stat.S_ISLNK(there.st_mode):
        raise is_link(path, target_of(path, folder))
    if not stat.S_ISREG(there.st_mode):
        raise wrong_kind(path, kind_of(there.st_mode))
    if not replace:
        raise taken(path, StoredKind.FILE)


def _pieces(source: int) -> Iterator[bytes]:
    """The pieces that come. Raises UploadBroken where they end without the one that says so."""
    while length := int.from_bytes(_exactly(source, LENGTH_BYTES), "big"):
        while length:
            data = os.read(source, min(length, _READ_BYTES))
            if not data:
                raise cut_off()
            length -= len(data)
            yield data


def _exactly(source: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = os.read(source, length - len(data))
        if not more:
            raise cut_off()
        data += more
    return data


def cut_off() -> UploadBroken:
    return UploadBroken("Not all of it arrived.", why="Whoever sent it stopped in the middle.", do="Nothing was kept.")


def _write(pieces: Iterator[bytes], file: int, room: RoomLeft) -> None:
    for piece in pieces:
        room.take(len(piece))
        write_all(file, piece)


class RoomLeft:
    """Watches that the disk keeps some room while something is written."""

    def __init__(self, folder: int, room: Room) -> None:
        """Raises NoRoom where it will not fit."""
        self._folder = folder
        self._kept = room.kept
        self._taken = 0
        self._looked_at = 0
        self._look(room.announced or 0)

    def take(self, size: int) -> None:
        """Hear of bytes that are about to be written; raises NoRoom while there still is some."""
        self._taken += size
        if self._taken - self._looked_at >= _LOOK_AT_ROOM_EVERY:
            self._looked_at = self._taken
            self._look(size)

    def _look(self, size: int) -> None:
        disk = os.fstatvfs(self._folder)
        free = disk.f_bavail * disk.f_frsize
        if free < size + self._kept:
            raise NoRoom(
                "The disk does not hold it.",
                why=f"It needs {size:,} bytes more; {free:,} are free, of which {self._kept:,} stay free.",
                do="Make room, then try again. Nothing was kept.",
            )


def _place(path: StoredPath, temporary: str, folder: int, missing: int, *, replace: bool) -> None:
    """Give a file that is whole its name."""
    target = make_way(path.parent, folder, missing, exclusive=False)
    try:
        if replace:
            _refuse_what_is_there(path, target, replace=True)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=target)
        else:
            rename_new(temporary, folder, path.name, target)
        os.fsync(target)
    except FileExistsError:
        raise taken(path) from None
    except (FileNotFoundError, IsADirectoryError):
        raise changed(path) from None
    finally:
        os.close(target)


def discard_put(storage: Path, path: StoredPath, token: str) -> None:
    """Remove what a put to ``path`` that was cut off has left, wherever on the way it lies.

    Raises UnsafePath where an app fills it as fast as it is emptied, and OSError.
    """
    for depth in range(len(path.parts) + 1):
        # What is no folder has nothing of it.
        with (
            suppress(StoredUnknown, StoredKindRefused, StoredLink),
            folder_at(storage, StoredPath(path.parts[:depth])) as folder,
        ):
            status_at(StoredPath((temporary_name(token),)), folder)
            remove_entry(temporary_name(token), within=folder)
            os.fsync(folder)
