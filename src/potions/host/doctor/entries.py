"""What lies at a path of the platform's own: a look at the name itself, which follows no link."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from potions.model.doctor.entries import Seen, Thing

_PERMISSIONS = 0o7777


def look_at(path: Path) -> Seen:
    """What is there. Raises OSError where a directory above may not be entered."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Seen(Thing.NOTHING)
    thing = thing_of(status.st_mode)
    target = _target(path) if thing is Thing.LINK else ""
    return Seen(thing, status.st_mode & _PERMISSIONS, user_name(status.st_uid), target, group_name(status.st_gid))


def thing_of(mode: int) -> Thing:
    """What a mode, as stat(2) gives it, is the mode of."""
    known = (
        *((stat.S_ISDIR, Thing.DIRECTORY), (stat.S_ISREG, Thing.FILE), (stat.S_ISLNK, Thing.LINK)),
        (stat.S_ISSOCK, Thing.SOCKET),
    )
    return next((thing for is_one, thing in known if is_one(mode)), Thing.OTHER)


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The name of a group, or its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def names_in(folder: Path) -> list[str]:
    """The names in a directory; none where there is no directory."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_in(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The regular files and the links in a directory, each with what stat(2) says of the name itself."""
    for name in names_in(folder):
        path = folder / name
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            yield path, status


def bytes_at(path: Path, limit: int = 1024 * 1024) -> bytes | None:
    """What stands in a file of the platform's own; None where there is none that can be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def _target(path: Path) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - text is wanted
    except OSError:
        return ""
