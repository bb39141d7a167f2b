"""What is sent of a directory, what stays where it is, and what could not be deployed if it were sent."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from potions.errors import ReleaseRefused
from potions.model.archive_format import link_leaves
from potions.packing.checkout import GIT, STORAGE, Belonging, belonging_to, tracked_storage
from potions.packing.unreadable import unreadable

#: Every virtual environment has this file. Its programs hold their own absolute path, its interpreter is a link to
#: this computer's: a release builds its own.
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """Something in the directory: its path there, split, and what it was when it was looked at."""

    path: Path
    parts: Parts
    status: os.stat_result

    @property
    def name(self) -> str:
        return "/".join(self.parts)

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.status.st_mode)

    def target(self) -> str:
        """Where a link leads; raises ReleaseRefused where that cannot be read."""
        try:
            return str(self.path.readlink())
        except OSError as error:
            raise unreadable(self.path, error) from error


@dataclass(frozen=True)
class LeftOut:
    """What stays where it is, by its relative name; a directory's ends in ``/`` and stands for all that is below it."""

    ignored: tuple[str, ...] = ()
    """What does not belong to the Git checkout."""
    environments: tuple[str, ...] = ()
    """Virtual environments, which work in one place only."""
    storage: tuple[int, int] | None = None
    """How many files of a ``storage`` stay, and their bytes; None where nothing of one does."""


@dataclass(frozen=True)
class Listing:
    """What a directory holds for a release: each directory before what is in it, in an order that no disk decides."""

    members: list[Member]
    left_out: LeftOut

    @property
    def files(self) -> int:
        return sum(member.is_file for member in self.members)

    @property
    def bytes(self) -> int:
        return sum(member.status.st_size for member in self.members if member.is_file)


def list_directory(directory: Path, *, everything: bool = False) -> Listing:
    """Look at all that is to be sent of a directory.

    Never ``.git``, nor a virtual environment. At the top of a Git checkout neither what Git ignores, unless
    ``everything`` is wanted, nor what it does not track of a ``storage``. Raises ReleaseRefused for what cannot be read
    or deployed, and where Git does not say what belongs to its checkout.
    """
    walk = _Walk(_storage_to_send(directory, everything=everything))
    try:
        walk.through(_Place(directory, (), None if everything else belonging_to(directory)))
    except OSError as error:
        raise unreadable(directory, error) from error
    _refuse_odd(walk.members)
    return Listing(walk.members, walk.left_out())


def _storage_to_send(directory: Path, *, everything: bool) -> Belonging | None:
    """What is sent of a storage; None for whatever there is. Whoever wants everything has it without Git, too."""
    try:
        return tracked_storage(directory)
    except ReleaseRefused:
        if everything:
            return None
        raise


@dataclass(frozen=True)
class _Place:
    """A directory on the way, and the checkout it belongs to, whose top lies ``depth`` directories below the first."""

    folder: Path
    parts: Parts
    belonging: Belonging | None
    depth: int = 0

    def inside(self) -> list[Member]:
        with os.scandir(self.folder) as entries:
            found = [
                Member(Path(entry), (*self.parts, entry.name), entry.stat(follow_symlinks=False)) for entry in entries
            ]
        return sorted(found, key=lambda member: os.fsencode(member.parts[-1]))

    def has(self, member: Member) -> bool:
        """Whether a member belongs to the checkout; where there is none, everything belongs together."""
        return self.belonging is None or self._name(member) in self.belonging

    def below(self, member: Member) -> _Place:
        """The place that a directory is; a checkout within the checkout says itself what belongs to it."""
        inner = None
        if self.belonging is not None and self.belonging.is_listed(self._name(member)):
            inner = belonging_to(member.path)
        if inner is not None:
            return _Place(member.path, member.parts, inner, len(member.parts))
        return _Place(member.path, member.parts, self.belonging, self.depth)

    def _name(self, member: Member) -> str:
        return "/".join(member.parts[self.depth :])


class _Walk:
    """One walk through a directory: what is sent, and what stays."""

    def __init__(self, storage: Belonging | None) -> None:
        self.members: list[Member] = []
        self._storage_to_send = storage
        self._ignored: list[str] = []
        self._environments: list[str] = []
        self._storage: list[int] | None = None

    def through(self, first: _Place) -> None:
        ahead = [first]
        while ahead:
            place = ahead.pop()
            for member in place.inside():
                if self._stays(member, place):
                    continue
                self.members.append(member)
                if member.is_directory:
                    ahead.append(place.below(member))

    def _stays(self, member: Member, place: _Place) -> bool:
        if member.parts[-1] == GIT:
            return True
        if not place.has(member) or self._is_storage_to_leave(member):
            self._leave(member)
            return True
        if member.is_directory and (member.path / _VIRTUAL_ENVIRONMENT).is_file():
            self._environments.append(f"{member.name}/")
            return True
        return False

    def _is_storage_to_leave(self, member: Member) -> bool:
        to_send = self._storage_to_send
        return member.parts[0] == STORAGE and to_send is not None and member.name not in to_send

    def _leave(self, member: Member) -> None:
        """Remember what does not belong to the checkout; a directory without a file in it is nothing to remember."""
        if not member.is_link and not any(True for _ in _sizes(member)):
            return
        if member.parts[0] == STORAGE:
            self._storage = [*(self._storage or []), *_sizes(member)]
        else:
            self._ignored.append(f"{member.name}/" if member.is_directory else member.name)

    def left_out(self) -> LeftOut:
        storage = None if self._storage is None else (len(self._storage), sum(self._storage))
        return LeftOut(tuple(self._ignored), tuple(self._environments), storage)


def _sizes(member: Member) -> Iterator[int]:
    """The sizes of a file, or of all files below a directory that one may look into."""
    if member.is_file:
        yield member.status.st_size
    if member.is_directory:
        for folder, _, names in os.walk(member.path):
            for name in names:
                # What goes away meanwhile does not matter: it would not have been sent.
                with suppress(FileNotFoundError):
                    status = (Path(folder) / name).lstat()
                    if stat.S_ISREG(status.st_mode):
                        yield status.st_size


def _refuse_odd(members: list[Member]) -> None:
    """Refuse here what the server would refuse after all of it was sent."""
    links = {member.parts: member.target() for member in members if member.is_link}
    for member in members:
        if not (member.is_directory or member.is_file or member.is_link):
            raise ReleaseRefused(
                f"{member.path} cannot be sent.",
                why="It is a socket, a named pipe or a device.",
                do="Remove it, or deploy a directory without it.",
            )
        if member.parts in links and link_leaves(member.parts[:-1], links[member.parts], links):
            raise ReleaseRefused(
                f"{member.path} cannot be sent.",
                why=f"It is a link that leads out of the release: {links[member.parts]}",
                do="Replace it by what it leads to, or deploy a directory without it.",
            )
