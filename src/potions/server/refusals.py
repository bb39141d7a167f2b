"""What keeps a computer from being made a server, found before anything on it is touched. Pure: it judges a look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from potions.errors import PotionsError, ServerRefused, UsageRefused
from potions.layout import APPS_USER, SERVER
from potions.server.accounts import NO_HOME, NO_LOGIN
from potions.server.computer import Computer, ExistingUser, Taken
from potions.settings import ServerSettings

#: The versions that Potions is tried on.
TRIED = {"debian": ("12", "13"), "ubuntu": ("24.04",)}
OLDEST_SYSTEMD = 252
LEAST_FREE = 10**9
_WITHOUT_OWNERS = {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfsplus", "iso9660", "squashfs"}
_AGAIN = "then run it again: sudo potions server install"


def refuse(computer: Computer, *, adopt_deploy: bool = False) -> None:
    """Raise ServerRefused for the first thing that stands in the way; whoever mends it runs the install again."""
    for find in (_not_root, _another_system, _no_systemd, _port_taken, _apps_folder, _command, _no_room):
        if error := find(computer):
            raise error
    for user in computer.users.values():
        if error := _user_refusal(user, computer, adopt_deploy=adopt_deploy):
            raise error


def refuse_system(computer: Computer) -> None:
    """Raise ServerRefused where the system itself cannot be a server, whatever is on it."""
    for find in (_another_system, _no_systemd):
        if error := find(computer):
            raise error


def refuse_database(revision: str | None, version: str, known: frozenset[str]) -> None:
    """Raise ServerRefused for a version that does not know the database that is there. None: there is none to know."""
    if revision is None or revision in known:
        return
    raise ServerRefused(
        f"Potions {version} cannot be installed here: it is older than what this server remembers.",
        why=f"{SERVER.database} is at revision {revision}; that version knows those up to {max(known)}.",
        do="Install the version that was here, or a newer one. Nothing was changed.",
    )


def refuse_taken_names(server: ServerSettings | None, apps: Collection[str], domains: Mapping[str, str]) -> None:
    """Raise UsageRefused where two would answer at one name; ``domains`` are those of the apps, each with its app."""
    if server is None:
        return
    answering = dict(domains)
    for app in apps if server.wildcard else ():
        own = f"{app}.{server.wildcard}"
        owner = answering.setdefault(own, app)
        if owner != app:
            raise UsageRefused(
                f"--wildcard {server.wildcard!r} cannot be taken: the app {app} would answer at {own}.",
                why=f"That is a domain of the app {owner}.",
                do=f"Take another one, or take it from there first: potions domains remove {owner} {own}",
            )
    if server.dashboard in answering:
        raise UsageRefused(
            f"--dashboard {server.dashboard!r} cannot be taken.",
            why=f"The app {answering[server.dashboard]} answers there.",
            do="Take another one; see the domains of an app: potions domains list APP",
        )


def warnings(computer: Computer) -> list[str]:
    """What a person should know, and what keeps nobody from going on."""
    if computer.system in TRIED and computer.system_version not in TRIED[computer.system]:
        return [f"Potions was not tried on {computer.system_name} yet; it goes on as on {_tried()}."]
    return []


def _tried() -> str:
    return "Debian 12, Debian 13 and Ubuntu 24.04"


def _not_root(computer: Computer) -> PotionsError | None:
    if computer.is_root:
        return None
    return ServerRefused(
        "Only root can make this computer a server.",
        why="It makes users, units and firewall rules.",
        do="sudo potions server install",
    )


def _another_system(computer: Computer) -> PotionsError | None:
    tried = TRIED.get(computer.system)
    if tried and _number(computer.system_version) >= _number(tried[0]):
        return None
    return ServerRefused(
        f"{computer.system_name or 'This system'} cannot be a Potions server.",
        why=f"Potions is made for {_tried()}, and newer ones of these.",
        do="Take a server with one of them. Without root, for trying it out, any Linux will do: potions up",
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _no_systemd(computer: Computer) -> PotionsError | None:
    if computer.systemd is None:
        return ServerRefused(
            "systemd does not run here.",
            why="On a server it keeps Potions and its apps running; in a container something else is PID 1.",
            do="Take a whole (virtual) machine, or use it without systemd: potions up",
        )
    if computer.systemd < OLDEST_SYSTEMD:
        return ServerRefused(
            f"systemd {computer.systemd} is too old.",
            why=f"The walls around apps need {OLDEST_SYSTEMD} or newer.",
            do=f"Take one of {_tried()}.",
        )
    return None


def _port_taken(computer: Computer) -> PotionsError | None:
    if not computer.taken:
        return None
    taken = computer.taken[0]
    who = f"{taken.program} (pid {taken.pid}{f', {taken.unit}' if taken.unit else ''})"
    return ServerRefused(
        f"Port {taken.port} is taken: {who} listens on it.",
        why="Potions' proxy has to answer there.",
        do=f"{_how_to_end(taken)}; {_AGAIN}",
    )


def _how_to_end(taken: Taken) -> str:
    if taken.unit:
        return f"sudo systemctl disable --now {taken.unit}"
    if taken.program == "caddy":
        return f"If that is a Potions of `potions up`: potions down; else end it: sudo kill {taken.pid}"
    return f"End it: sudo kill {taken.pid}"


def _apps_folder(computer: Computer) -> PotionsError | None:
    path, apps = SERVER.apps, computer.apps
    if apps.kind == "link":
        return ServerRefused(
            f"{path} is a link.",
            why="An app would not be where it seems to be, and what is renamed could leave its file system.",
            do=f"Remove it. For another disk, mount that at {path}; {_AGAIN}",
        )
    if apps.kind == "other":
        return ServerRefused(f"{path} is not a directory.", do=f"Move it away, {_AGAIN}")
    if apps.filesystem in _WITHOUT_OWNERS:
        return ServerRefused(
            f"{path} would be on {apps.filesystem}.",
            why="That keeps no owners and no links, which every app's directory is made of.",
            do=f"Mount a file system of Linux there (ext4, XFS, btrfs), {_AGAIN}",
        )
    if apps.strangers:
        return ServerRefused(
            f"{path} holds what is no app of Potions: {', '.join(map(repr, apps.strangers))}.",
            why="Every directory there is an app's, and Potions overwrites nothing.",
            do=f"Move it away, {_AGAIN}",
        )
    return None


def _command(computer: Computer) -> PotionsError | None:
    if not computer.command:
        return None
    return ServerRefused(
        f"{SERVER.command} is {computer.command}, and not Potions' own.",
        why="On a server it is a link to the version in force.",
        do=f"Run the install from a virtual environment instead, and remove that file; {_AGAIN}",
    )


def _no_room(computer: Computer) -> PotionsError | None:
    if computer.is_installed:
        return None
    for folder, free in computer.free.items():
        if free < LEAST_FREE:
            return ServerRefused(
                f"There is not enough room in {folder}: {free // 10**6:,} MB are free.",
                why=f"Potions itself and a first app need {LEAST_FREE // 10**6:,} MB.",
                do=f"Make room (apt-get clean; journalctl --vacuum-size=100M), or take a larger disk; {_AGAIN}",
            )
    return None


# Users that are there already


def _user_refusal(user: ExistingUser, computer: Computer, *, adopt_deploy: bool) -> PotionsError | None:
    if user.uid == 0:
        return _stranger(user, "It is root under another name.")
    if computer.is_installed or _is_as_made_here(user):
        return None
    if user.name != APPS_USER:
        return _stranger(user, f"It has {_harmless_differences(user) or _signs_of_life(user)}.")
    if signs := _signs_of_life(user):
        return _stranger(user, f"It has {signs}.")
    if adopt_deploy:
        return None
    return ServerRefused(
        f"There is a user {user.name} already: it has {_harmless_differences(user)}.",
        why="Apps run as that user, who must not be able to log in and may be in no other group.",
        do="If nobody needs that user, have it taken over: sudo potions server install --adopt-deploy\n"
        + _how_to_rename(user),
    )


def _is_as_made_here(user: ExistingUser) -> bool:
    return not _harmless_differences(user) and not _signs_of_life(user)


def _harmless_differences(user: ExistingUser) -> str:
    return _listed(
        (user.shell != NO_LOGIN, lambda: f"the login shell {user.shell}"),
        (user.has_password, lambda: "a password"),
        (bool(user.groups), lambda: f"the group {', '.join(user.groups)}"),
        (user.home != NO_HOME, lambda: f"the home {user.home}"),
    )


def _signs_of_life(user: ExistingUser) -> str:
    return _listed(
        (bool(user.processes), lambda: f"running processes: {', '.join(user.processes)}"),
        (bool(user.files), lambda: f"files in {user.home}: {', '.join(user.files)}"),
    )


def _listed(*found: tuple[bool, Callable[[], str]]) -> str:
    return ", ".join(text() for holds, text in found if holds)


def _stranger(user: ExistingUser, why: str) -> ServerRefused:
    return ServerRefused(
        f"There is a user {user.name} already, who is somebody else's.",
        why=f"{why} Potions needs that name for a user of its own.",
        do=_how_to_rename(user),
    )


def _how_to_rename(user: ExistingUser) -> str:
    name, other = user.name, f"{user.name}-old"
    rename = f"sudo usermod --login {other} {name} && sudo groupmod --new-name {other} {name}"
    return f"To give it another name: {rename}; {_AGAIN}"
