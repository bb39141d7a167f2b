"""Putting a folder into a storage, as the app's user: all of it arrives beside its place before any of it is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sys import maxsize

from potions.errors import ArchiveBroken, ArchiveTooLarge, ArchiveUnsafe, StoredPathRefused, UploadBroken
from potions.host.archive_limits import Limits
from potions.host.archive_member import Member, MemberKind
from potions.host.archive_tar import tar_members
from potions.host.descriptors import directory
from potions.host.files import rename_new, sync_filesystem_of
from potions.host.put_token import temporary_name
from potions.host.release_tree import Parts, ReleaseTree
from potions.host.removal import remove_entry
from potions.host.storage_change import FOLDER_MODE, make_way
from potions.host.storage_merge import Merge
from potions.host.storage_put import Room, RoomLeft
from potions.host.stored import changed, deepest_folder, taken, told_of_folder
from potions.model.archive_format import TAR, link_leaves
from potions.model.stored import Existing, FolderPut, StoredKind
from potions.names import StoredPath, parse_stored_path, shown_name

#: Two folders are open for each level while what arrived is put beside what is there.
_DEEPEST = 200
_NO_LIMITS = Limits(files=maxsize, bytes=maxsize, depth=_DEEPEST, ratio=maxsize)


def put_folder(
    storage: Path,
    path: StoredPath,
    token: str,
    room: Room,
    existing: Existing,
    *,
    source: int,
    begin: Callable[[None], None],
) -> FolderPut:
    """Make a folder of the tar that comes through ``source``, once ``begin`` was called; with it, its missing parents.

    All of it is written beside its place and brought to the disk; then a folder that was not there appears by one
    rename. With ``existing`` SKIP or REPLACE a folder that is there gets each file by a rename of its own. So what was
    cut off changed nothing, and a crash at any moment leaves each file as it was or as it is sent.

    Links are kept where they stay in the folder that is sent. Raises StoredTaken, what `folder_at` raises, NoRoom,
    UploadBroken for a tar that is not whole or holds what cannot be kept, StoredKindRefused where a file would replace
    something else (nothing was changed then), and OSError.
    """
    with deepest_folder(storage, path) as (folder, missing):
        if not missing and existing is Existing.REFUSE:
            raise taken(path, StoredKind.FOLDER)
        room_left = RoomLeft(folder, room)
        with _staging(path, temporary_name(token), folder) as staged:
            begin(None)
            with _held(path):
                arrived = _receive(source, staged, room_left)
            sync_filesystem_of(staged)
            if missing:
                _place(path, temporary_name(token), folder, len(missing))
                return FolderPut(path.encoded, arrived.files, arrived.bytes)
            return Merge(path, existing).put(staged, folder, arrived.files, arrived.bytes)


@contextmanager
def _staging(path: StoredPath, temporary: str, folder: int) -> Iterator[int]:
    """Give a new folder to fill, which is gone afterwards unless it got another name."""
    with told_of_folder(path, folder):
        os.mkdir(temporary, FOLDER_MODE, dir_fd=folder)
    try:
        with directory(temporary, within=folder) as staged:
            os.fchmod(staged, FOLDER_MODE)
            yield staged
    finally:
        remove_entry(temporary, within=folder)


@contextmanager
def _held(path: StoredPath) -> Iterator[None]:
    """Tell in words that the app removed a folder that was being filled."""
    try:
        yield
    except FileNotFoundError:
        raise changed(path) from None


def _place(path: StoredPath, temporary: str, folder: int, missing: int) -> None:
    """Give a folder that is whole its name."""
    above = make_way(path.parent, folder, missing - 1, exclusive=False)
    try:
        rename_new(temporary, folder, path.name, above)
        os.fsync(above)
    except FileExistsError:
        raise taken(path) from None
    except FileNotFoundError:
        raise changed(path) from None
    finally:
        os.close(above)


def _receive(source: int, staged: int, room: RoomLeft) -> _Arriving:
    try:
        with closing(ReleaseTree(staged)) as tree:
            arriving = _Arriving(tree, room)
            for member in tar_members(TAR.suffix, source, _NO_LIMITS, lambda _done, _total: None):
                arriving.member(member)
            arriving.finish()
            return arriving
    except (ArchiveBroken, ArchiveUnsafe, ArchiveTooLarge) as error:
        raise UploadBroken("Not all of it arrived as it was sent.", why=error.why, do="Nothing was kept.") from error


class _Arriving:
    """A tar on its way into a folder. Links are kept until the end, so that nothing is written through one."""

    def __init__(self, tree: ReleaseTree, room: RoomLeft) -> None:
        self._tree = tree
        self._room = room
        self._links: dict[Parts, str] = {}
        self._times: dict[Parts, float] = {}
        self.files = 0
        self.bytes = 0

    def member(self, member: Member) -> None:
        """Write a file or a folder, remember a link, or refuse."""
        parts = _parts(member.name)
        is_folder = member.kind is MemberKind.DIRECTORY
        self._refuse_below_link(parts if is_folder else parts[:-1])
        if is_folder:
            self._tree.folder(parts)
            self._times[parts] = member.mtime
        elif not parts:
            raise _refused(member.name, "It has no name.")
        elif member.kind is MemberKind.LINK:
            self._links[parts] = member.target
        elif member.kind is MemberKind.HARD_LINK:
            self._hard_link(member, parts)
        elif member.kind is MemberKind.FILE:
            self._file(member, parts)
        else:
            raise _refused(member.name, member.reason)

    def finish(self) -> None:
        """Make the links, now that nothing will be written any more, and give folders their times."""
        for parts, target in self._links.items():
            if not target or "\0" in target or link_leaves(parts[:-1], target, self._links):
                raise _refused("/".join(parts), "It is a link that leads out of the folder that is sent.")
        for parts, target in self._links.items():
            self._tree.symbolic_link(parts, target)
        for parts, mtime in self._times.items():
            if parts and 0 <= mtime < 2**40:
                os.utime(self._tree.folder(parts), (int(mtime), int(mtime)))

    def _file(self, member: Member, parts: Parts) -> None:
        pieces = self._within_room(member.content())
        self._tree.file(parts, pieces, executable=member.executable, mtime=member.mtime)
        self._links.pop(parts, None)
        self.files += 1
        self.bytes += member.size

    def _within_room(self, pieces: Iterator[memoryview]) -> Iterator[memoryview]:
        for piece in pieces:
            self._room.take(len(piece))
            yield piece

    def _hard_link(self, member: Member, parts: Parts) -> None:
        earlier = _parts(member.target)
        self._refuse_below_link(earlier)
        if not earlier:
            raise _refused(member.name, "It is a hard link to nothing.")
        self._tree.hard_link(parts, earlier)
        self._links.pop(parts, None)
        self.files += 1

    def _refuse_below_link(self, parts: Parts) -> None:
        if self._links and any(parts[:depth] in self._links for depth in range(1, len(parts) + 1)):
            raise _refused("/".join(parts), "A link is on its way.")


def _parts(name: str) -> Parts:
    try:
        parts = parse_stored_path(name).parts
    except StoredPathRefused as error:
        raise _refused(name, error.why) from error
    if len(parts) > _DEEPEST:
        raise _refused(name, f"Its folders are nested more than {_DEEPEST} deep.")
    return parts


def _refused(name: str, why: str) -> UploadBroken:
    shown = shown_name(name)
    return UploadBroken(f"{shown[:200]} cannot be kept in a storage.", why=why, do="Nothing was kept.")
