"""Removing a file, a link or a whole tree without ever reaching outside of it."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import ExitStack
from pathlib import Path

from potions.errors import UnsafePath
from potions.host.descriptors import DIRECTORY, directory, is_not_directory

#: Directories nested deeper than this are first lifted to the top of what is removed. So neither the stack, nor the
#: number of open descriptors, nor the length of a path limits how deep a tree may be.
_DEEP = 64

#: How often a name is tried again that another process keeps changing.
_ATTEMPTS = 100

_KEEP_OUT = "Nothing was removed."


def remove_tree(path: Path | str, *, below: Path) -> None:
    """Remove a file, a link or a directory with all that is in it; what is missing is fine.

    Links are removed, never followed, also when an app swaps directories for links meanwhile. A crash leaves a part of
    the tree; calling again removes the rest. Raises UnsafePath, before anything is removed, if ``path`` is not strictly
    below ``below``, ends with a slash or has ``..`` in it, if a link is on the way from ``below``, or if something is
    mounted at it or inside it; and UnsafePath where the system refuses to remove something.
    """
    base, parts = _split(path, below)
    refuse_mounts(base.joinpath(*parts))
    try:
        with ExitStack() as opened:
            folder = opened.enter_context(directory(base))
            for part in parts[:-1]:
                folder = opened.enter_context(directory(part, within=folder))
            remove_entry(parts[-1], within=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if is_not_directory(error):
            raise UnsafePath(f"{path} will not be removed.", why="A link is on the way to it.", do=_KEEP_OUT) from None
        raise UnsafePath(
            f"{path} could not be removed wholly.",
            why=f"{os.fsdecode(error.filename or path)}: {error.strerror}.",
            do="Look at its owner and attributes (lsattr), then try again.",
        ) from error


def remove_entry(name: str, *, within: int) -> None:
    """Remove whatever ``name`` is below a directory's descriptor, itself and all in it; missing is fine.

    For callers that made sure that nothing is mounted there. Raises UnsafePath and OSError.
    """
    _Removal(os.fstat(within).st_dev).entry(name, within)


def _split(path: Path | str, below: Path) -> tuple[Path, tuple[str, ...]]:
    """The real directory of ``below`` and the names that lead from it to ``path``."""
    text = os.fspath(path)
    given = Path(text)
    if text.endswith("/") or ".." in given.parts:
        raise UnsafePath(f"{text} will not be removed.", why="It ends with a slash or has .. in it.", do=_KEEP_OUT)
    base = below.resolve()
    for start in (below, base):
        if given.is_relative_to(start) and given != start:
            return base, given.relative_to(start).parts
    raise UnsafePath(f"{text} will not be removed.", why=f"It does not lie below {below}.", do=_KEEP_OUT)


def refuse_mounts(path: Path) -> None:
    """Raise UnsafePath if something is mounted at ``path``, which is the real one, or below it."""
    inside = [mounted for mounted in _mount_points() if mounted.is_relative_to(path)]
    if inside:
        raise UnsafePath(
            f"{path} will not be removed.",
            why=f"Something is mounted at {inside[0]}; removing would wipe what is mounted.",
            do=f"Unmount it first: umount {inside[0]}",
        )


def _mount_points() -> list[Path]:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return [Path(os.fsdecode(_unescape(line.split(b" ")[4]))) for line in lines]


def _unescape(field: bytes) -> bytes:
    """Undo the octal escapes (``\\040`` is a space) of /proc/self/mountinfo."""
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field)


class _Removal:
    """One removal, which stays on one file system."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._lifted = False

    def entry(self, name: str, within: int) -> None:
        self._entry(name, within, top=None, depth=0)

    def _entry(self, name: str, within: int, top: int | None, depth: int) -> None:
        """Remove one name. ``top`` is the descriptor of the highest directory that is being removed, if any is."""
        for _ in range(_ATTEMPTS):
            try:
                os.unlink(name, dir_fd=within)
                return
            except FileNotFoundError:
                return
            except IsADirectoryError:
                if self._directory(name, within, top, depth):
                    return
        raise UnsafePath(
            f"{name} could not be removed.",
            why="Another process writes into it as fast as it is emptied.",
            do="Stop that process, then try again.",
        )

    def _directory(self, name: str, within: int, top: int | None, depth: int) -> bool:
        """Empty and remove a directory; False if it was swapped, moved away or filled again meanwhile."""
        try:
            folder = self._open(name, within)
        except OSError as error:
            if is_not_directory(error) or isinstance(error, FileNotFoundError):
                return False
            raise
        try:
            if top is not None and depth == _DEEP:
                return self._lift(name, within, top)
            self._empty(folder, folder if top is None else top, depth)
        finally:
            os.close(folder)
        return _rmdir(name, within)

    def _lift(self, name: str, within: int, top: int) -> bool:
        try:
            os.rename(name, f".potions-{secrets.token_hex(8)}", src_dir_fd=within, dst_dir_fd=top)
        except FileNotFoundError:
            return False
        self._lifted = True
        return True

    def _empty(self, folder: int, top: int, depth: int) -> None:
        """Remove what is in a directory; at the top again and again, while deep directories are lifted into it."""
        again = True
        while again:
            if folder == top:
                self._lifted = False
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
            for name in names:
                self._entry(name, folder, top, depth + 1)
            again = folder == top and self._lifted

    def _open(self, name: str, within: int) -> int:
        try:
            folder = os.open(name, DIRECTORY, dir_fd=within)
        except PermissionError:
            _make_accessible(name, within)
            folder = os.open(name, DIRECTORY, dir_fd=within)
        status = os.fstat(folder)
        if status.st_dev != self._device:
            os.close(folder)
            raise UnsafePath(f"{name} will not be removed.", why="It is on another file system.")
        if status.st_uid == os.geteuid() and status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(folder, stat.S_IRWXU)
        return folder


def _rmdir(name: str, within: int) -> bool:
    """Remove an empty directory; False if it was filled again or swapped for something else meanwhile."""
    try:
        os.rmdir(name, dir_fd=within)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST) or is_not_directory(error):
            return False
        raise
    return True


def _make_accessible(name: str, within: int) -> None:
    """Let the owner into a directory of mode 000. A link of that name is not followed: O_PATH opens the name itself."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            Path(f"/proc/self/fd/{descriptor}").chmod(stat.S_IRWXU)
    finally:
        os.close(descriptor)
