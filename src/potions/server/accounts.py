"""The system users of a server, none of whom can log in, and the group of those who may command it."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator

from potions.layout import ADMIN_GROUP, APPS_USER, CADDY_USER, DASHBOARD_USER
from potions.server.programs import run
from potions.server.step import Say, Step

NO_LOGIN = "/usr/sbin/nologin"
NO_HOME = "/nonexistent"
USERS = {
    APPS_USER: "apps of Potions",
    DASHBOARD_USER: "dashboard of Potions",
    CADDY_USER: "proxy of Potions",
}


def accounts_step() -> Step:
    return Step("users", lambda: [*_missing_group(), *_wrong_users()], _make)


def groups_beside_own(user: pwd.struct_passwd) -> list[str]:
    """The names of the groups that a user is in beside the one of its own."""
    return sorted(group.gr_name for group in grp.getgrall() if user.pw_name in group.gr_mem)


def find_user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _missing_group() -> list[str]:
    return [] if _has_group(ADMIN_GROUP) else [f"there is no group {ADMIN_GROUP}"]


def _has_group(name: str) -> bool:
    return any(group.gr_name == name for group in grp.getgrall())


def _wrong_users() -> Iterator[str]:
    for name in USERS:
        user = find_user(name)
        if user is None:
            yield f"there is no user {name}"
        else:
            yield from _wrong_with(user)


def _wrong_with(user: pwd.struct_passwd) -> Iterator[str]:
    if user.pw_shell != NO_LOGIN:
        yield f"{user.pw_name} can log in, with {user.pw_shell}"
    if user.pw_dir != NO_HOME:
        yield f"{user.pw_name} has a home, {user.pw_dir}"
    if groups := groups_beside_own(user):
        yield f"{user.pw_name} is in the group {', '.join(groups)}"
    if grp.getgrgid(user.pw_gid).gr_name != user.pw_name:
        yield f"{user.pw_name} has no group of its own"
    if has_password(user.pw_name):
        yield f"{user.pw_name} has a password"


def has_password(name: str) -> bool:
    """Whether somebody can log in with one. Raises PermissionError for who may not know."""
    with open("/etc/shadow", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        fields = [line.split(":") for line in file]
    return any(field[0] == name and field[1][:1] not in {"!", "*"} for field in fields if len(field) > 1)


def _make(say: Say) -> None:
    if not _has_group(ADMIN_GROUP):
        run(["groupadd", "--system", ADMIN_GROUP], f"The group {ADMIN_GROUP} cannot be made.")
    for name, purpose in USERS.items():
        if find_user(name) is None:
            _add(name, purpose)
        elif list(_wrong_with(pwd.getpwnam(name))):
            say(f"{name} is made a user of Potions")
            _take_over(name)


def _add(name: str, purpose: str) -> None:
    group = ["--gid", name] if _has_group(name) else ["--user-group"]
    words = ["useradd", "--system", *group, "--no-create-home", "--home-dir", NO_HOME, "--shell", NO_LOGIN]
    run([*words, "--comment", purpose, name], f"The user {name} cannot be made.")


def _take_over(name: str) -> None:
    if not _has_group(name):
        run(["groupadd", "--system", name], f"The group {name} cannot be made.")
    words = ["usermod", "--shell", NO_LOGIN, "--home", NO_HOME, "--gid", name, "--groups", "", "--lock", name]
    run(words, f"The user {name} cannot be changed.")
