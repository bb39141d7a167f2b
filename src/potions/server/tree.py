"""The directories of a server, with exactly their owners and modes."""

from __future__ import annotations

import grp
import pwd
import stat
from collections.abc import Callable

from potions.host.files import provision_as_named
from potions.layout import SERVER, Directory
from potions.server.step import Step


def tree_step() -> Step:
    return Step(
        "directories",
        lambda: [text for one in SERVER.directories() if (text := _difference(one))],
        lambda _say: provision_as_named(SERVER.directories()),
    )


def _difference(wanted: Directory) -> str:
    try:
        there = wanted.path.lstat()
    except FileNotFoundError:
        return f"{wanted.path} is not there"
    if not stat.S_ISDIR(there.st_mode):
        return f"{wanted.path} is not a directory"
    found = (
        _name_of(there.st_uid, lambda uid: pwd.getpwuid(uid).pw_name),
        _name_of(there.st_gid, lambda gid: grp.getgrgid(gid).gr_name),
        stat.S_IMODE(there.st_mode),
    )
    right = (wanted.user, wanted.group, wanted.mode)
    return "" if found == right else f"{wanted.path} is {_told(*found)} and has to be {_told(*right)}"


def _told(user: str, group: str, mode: int) -> str:
    return f"{user}:{group} {mode:04o}"


def _name_of(number: int, find: Callable[[int], str]) -> str:
    try:
        return find(number)
    except KeyError:
        return str(number)
