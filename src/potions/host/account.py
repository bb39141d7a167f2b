"""Which system user apps run as, and whether that user can reach a home."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from potions.errors import HomeRefused
from potions.model.service import Account


def own_account() -> Account:
    """Apps run as whoever runs Potions, where that is an ordinary user."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        # A container may run as a number that has no name.
        name = str(uid)
    return Account(name=name, uid=uid, gid=gid, switch=False)


def account_of(name: str) -> Account:
    """The account that apps run as; raises HomeRefused where there is no such user, or it is root."""
    if os.geteuid() != 0:
        return own_account()
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise HomeRefused(
            f"There is no system user called {name}.",
            why="Apps were to run as that user.",
            do="Make that user, or name another one in potions.json (app_user).",
        ) from None
    if entry.pw_uid == 0:
        raise HomeRefused("Apps do not run as root.", do="Name an unprivileged user in potions.json (app_user).")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def refuse_unreachable(root: Path, account: Account) -> None:
    """Raise HomeRefused where the apps' user cannot enter the home: no app could open its own storage."""
    if not account.switch:
        return
    for folder in (root, *root.parents):
        if not _may_enter(folder, account):
            raise HomeRefused(
                f"{root} cannot be Potions' home while it runs as root.",
                why=f"Apps run as the user {account.name}, who may not enter {folder}.",
                do="Choose another place: POTIONS_HOME=/srv/potions potions up; or run Potions as an ordinary user.",
            )


def apps_search_path(search_path: str, account: Account, own: Path | None) -> str:
    """``PATH`` for the apps: without folders that their user cannot enter, and without ``own``, Potions' programs.

    A shell says "Permission denied" and not "not found" for a program in a folder it may not enter. And a build that
    calls ``pip`` must not find Potions' own: it would install into Potions.
    """
    folders = [Path(folder) for folder in search_path.split(os.pathsep)]
    return os.pathsep.join(str(folder) for folder in folders if folder != own and _may_use(folder, account))


def _may_use(folder: Path, account: Account) -> bool:
    if not folder.is_absolute():
        return False
    return not account.switch or all(_may_enter(one, account) for one in (folder, *folder.parents))


def _may_enter(folder: Path, account: Account) -> bool:
    try:
        status = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        # Made later, with a mode that lets everybody enter.
        return True
    bits = status.st_mode
    if status.st_uid == account.uid:
        return bool(bits & 0o100)
    return bool(bits & 0o010) if status.st_gid == account.gid else bool(bits & 0o001)
