"""Everything that deletes, moves or overwrites: by directory descriptors, never through a link, wholly or not at all.

Each function says which crash it survives. `remove_tree` lives in ``removal`` and is offered here too, so that there is
one module to look at for what may destroy something.
"""

from __future__ import annotations

import ctypes
import errno
import grp
import hashlib
import os
import pwd
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from potions.errors import UnsafePath
from potions.host.descriptors import directory, is_not_directory, look, write_all
from potions.host.removal import remove_tree
from potions.host.usage import Census
from potions.layout import Directory, Entry
from potions.model.service import Account

__all__ = [
    "free_bytes",
    "hash_of",
    "measure",
    "move",
    "provision",
    "provision_as_named",
    "remove_tree",
    "rename_new",
    "replace_link",
    "sync_directory",
    "sync_filesystem",
    "sync_filesystem_of",
    "write_atomically",
]

_libc = ctypes.CDLL(None, use_errno=True)
_RENAME_NOREPLACE = 1
#: What a file system says that does not know RENAME_NOREPLACE (NFS, older ZFS), and a kernel without renameat2.
_UNKNOWN_FLAG = (errno.EINVAL, errno.ENOSYS)


def write_atomically(path: Path, data: bytes, mode: int) -> None:
    """Make ``path`` a file with exactly ``data`` and ``mode``, whatever the umask; raises OSError.

    After a crash at any moment, power loss included, ``path`` holds all of the old or all of the new bytes. What can be
    left behind is a ``.potions-*`` file beside it.
    """
    temporary = f".potions-{secrets.token_hex(8)}"
    with directory(path.parent) as folder:
        try:
            _write_new(temporary, data, mode, folder)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            _unlink_if_there(temporary, folder)
            raise
        os.fsync(folder)


def _write_new(name: str, data: bytes, mode: int, folder: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        os.fchmod(descriptor, mode)
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink_if_there(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


def replace_link(link: Path, target: str, temporary: Path) -> None:
    """Make ``link`` point at ``target`` by one rename(2): whoever looks finds the old link or the new one, never none.

    After a crash at any moment ``link`` is one of the two; once this returns it is the new one, power loss included. A
    ``temporary`` that a crash left behind is removed by the next call. Raises UnsafePath where either name is taken by
    something that is no link, and OSError.
    """
    with directory(temporary.parent) as beside, directory(link.parent) as folder:
        _refuse_unless_link(temporary, beside)
        _refuse_unless_link(link, folder)
        _unlink_if_there(temporary.name, beside)
        os.symlink(target, temporary.name, dir_fd=beside)
        os.rename(temporary.name, link.name, src_dir_fd=beside, dst_dir_fd=folder)
        os.fsync(folder)


def _refuse_unless_link(path: Path, folder: int) -> None:
    there = look(path.name, within=folder)
    if there is not None and not stat.S_ISLNK(there.st_mode):
        raise UnsafePath(
            f"{path} is not a link.",
            why="Potions keeps a link there and replaces nothing else.",
            do="Move it away if you put it there.",
        )


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power loss (not their contents); raises OSError."""
    with directory(path) as folder:
        os.fsync(folder)


def sync_filesystem(path: Path) -> None:
    """Make everything written so far to the file system that ``path`` (a directory) is on survive a power loss.

    One call for a whole release costs a fraction of an fsync(2) for each of its files. Raises OSError.
    """
    with directory(path) as folder:
        sync_filesystem_of(folder)


def sync_filesystem_of(folder: int) -> None:
    """The same by a directory's descriptor; raises OSError."""
    if _libc.syncfs(folder) != 0:
        raise _last_error(f"descriptor {folder}")


def _last_error(path: Path | str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), str(path))


def free_bytes(path: Path) -> int:
    """Bytes that are left for this user on the file system of ``path``; raises OSError."""
    left = os.statvfs(path)
    return left.f_bavail * left.f_frsize


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provision(entries: Iterable[Entry], account: Account) -> None:
    """Make directories, parents first, with exactly their mode and owner whatever the umask; those there are put right.

    Each is on disk before its children are made, so a crash leaves a beginning of the list, and calling again completes
    it. Raises UnsafePath where a link or a file has one of the names, and OSError.
    """
    switch = account.switch and os.geteuid() == 0
    for entry in entries:
        _provision(entry.path, entry.mode, _owner(entry, account) if switch else None)


def provision_as_named(directories: Iterable[Directory]) -> None:
    """The same for directories whose owners are named, as root. Raises LookupError where there is no such user."""
    for one in directories:
        _provision(one.path, one.mode, (pwd.getpwnam(one.user).pw_uid, grp.getgrnam(one.group).gr_gid))


def _owner(entry: Entry, account: Account) -> tuple[int, int]:
    return (account.uid, account.gid) if entry.owner == "app" else (os.geteuid(), os.getegid())


def _provision(path: Path, mode: int, owner: tuple[int, int] | None) -> None:
    # The parent may be reached through a link of the machine's owner (a home on another disk); the entry never is.
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        made = _make_directory(path.name, parent)
        with directory(path.name, within=parent) as folder:
            if owner is not None:
                os.fchown(folder, *owner)
            os.fchmod(folder, mode)
        if made:
            os.fsync(parent)
    except OSError as error:
        if is_not_directory(error):
            raise UnsafePath(
                f"{path} is not a directory.",
                why="Potions needs a directory of that name; there is a link or a file.",
                do="Move it away and try again.",
            ) from None
        raise
    finally:
        os.close(parent)


def _make_directory(name: str, parent: int) -> bool:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return False
    return True


def move(source: Path, destination: Path) -> None:
    """Rename ``source`` to ``destination``, where nothing may be yet; links are moved, not followed.

    After a crash exactly one of the two names is there; once this returns it is ``destination``, power loss included.
    Raises UnsafePath if something has that name, FileNotFoundError if there is no ``source``, and OSError.
    """
    with directory(source.parent) as before, directory(destination.parent) as after:
        try:
            rename_new(source.name, before, destination.name, after)
        except FileExistsError:
            raise UnsafePath(
                f"{source} cannot be moved to {destination}.",
                why="Something has that name already, and Potions overwrites nothing.",
                do="Look at what is there, and move it away if nobody needs it.",
            ) from None
        os.fsync(after)
        os.fsync(before)


def rename_new(source: str, before: int, destination: str, after: int) -> None:
    """Rename a name below one descriptor to a name below another; raises FileExistsError if something is there."""
    names = os.fsencode(source), os.fsencode(destination)
    if _libc.renameat2(before, names[0], after, names[1], _RENAME_NOREPLACE) == 0:
        return
    error = _last_error(destination)
    if error.errno not in _UNKNOWN_FLAG:
        raise error
    if look(destination, within=after) is not None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), destination)
    os.rename(source, destination, src_dir_fd=before, dst_dir_fd=after)


def measure(path: Path) -> tuple[int, int]:
    """The bytes in all regular files below a directory and how many files there are; (0, 0) without one to be read.

    Links are not followed, a file with several hard links counts once, and what vanishes or may not be read meanwhile
    counts as nothing. Changes nothing. Raises UnsafePath if ``path`` is no directory.
    """
    census = Census()
    try:
        with directory(path) as top:
            census.count(top)
    except (FileNotFoundError, PermissionError):
        return 0, 0
    except OSError as error:
        if is_not_directory(error):
            raise UnsafePath(f"{path} is not a directory.", why="There is a link or a file.") from None
        raise
    return census.total.bytes, census.total.files
