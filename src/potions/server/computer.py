"""What a computer is before Potions is installed on it: looked at, never changed."""

from __future__ import annotations

import os
import platform
import pwd
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from potions.layout import CADDY_USER, SERVER
from potions.server.accounts import NO_HOME, NO_LOGIN, USERS, find_user, groups_beside_own, has_password
from potions.server.listeners import listeners
from potions.server.programs import answer_of

#: Below these something is installed.
_WITH_ROOM = (Path("/usr/local"), Path("/opt"))
_FEW = 5


@dataclass(frozen=True)
class Taken:
    """A port that another program listens on."""

    port: int
    program: str
    pid: int
    unit: str = ""
    """The systemd unit that it belongs to, if it is one."""


@dataclass(frozen=True)
class ExistingUser:
    """A system user that has the name of one of Potions'."""

    name: str
    shell: str = NO_LOGIN
    home: str = NO_HOME
    uid: int = 999
    has_password: bool = False
    groups: tuple[str, ...] = ()
    """Beside its own."""
    processes: tuple[str, ...] = ()
    """Some of those that run: ``4711 (node)``."""
    files: tuple[str, ...] = ()
    """Some of what is in its home."""


@dataclass(frozen=True)
class AppsFolder:
    """What is where the apps will be."""

    kind: str = "absent"
    """``absent``, ``directory``, ``link`` or ``other``."""
    strangers: tuple[str, ...] = ()
    """Some of what is in it and is no app's."""
    filesystem: str = "ext4"


@dataclass(frozen=True)
class Computer:
    """A computer as it is."""

    is_root: bool = True
    system: str = "debian"
    """As ``/etc/os-release`` has it in ID; then VERSION_ID and PRETTY_NAME."""
    system_version: str = "12"
    system_name: str = "Debian GNU/Linux 12 (bookworm)"
    systemd: int | None = 252
    """Its version; None where it is not PID 1."""
    taken: tuple[Taken, ...] = ()
    apps: AppsFolder = AppsFolder()
    users: Mapping[str, ExistingUser] = field(default_factory=dict)
    free: Mapping[Path, int] = field(default_factory=dict)
    """Bytes left, by folder."""
    command: str = ""
    """What is there instead of the link to Potions' own command."""
    is_installed: bool = False


def look_at_computer(ports: tuple[int, ...]) -> Computer:
    """Look at this one; of its ports at these. As another user than root it says that, and nothing else."""
    if os.geteuid() != 0:
        return Computer(is_root=False)
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        told = {}
    return Computer(
        system=told.get("ID", ""),
        system_version=told.get("VERSION_ID", ""),
        system_name=told.get("PRETTY_NAME", "this system"),
        systemd=_systemd(),
        taken=tuple(_taken(ports)),
        apps=_apps_folder(SERVER.apps),
        users={name: _user(found) for name in USERS if (found := find_user(name))},
        free={folder: shutil.disk_usage(folder).free for folder in _WITH_ROOM},
        command=_foreign_command(),
        is_installed=_is_installed(),
    )


def _is_installed() -> bool:
    """Also where its settings were lost: what root alone can write says so, and an uninstall takes the program away."""
    return SERVER.settings.exists() or (SERVER.database.exists() and SERVER.program_folder.exists())


def _systemd() -> int | None:
    if not Path("/run/systemd/system").is_dir():
        return None
    words = answer_of("systemctl", "--version").split()
    return int(words[1].partition(".")[0]) if len(words) > 1 else None


def _taken(ports: tuple[int, ...]) -> Iterator[Taken]:
    for port, pid in sorted({pair for pair in listeners() if pair[0] in ports}):
        if not _is_own(pid):
            yield Taken(port, _name_of(pid), pid, _unit_of(pid))


def _is_own(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.username() == CADDY_USER and process.cmdline()[:1] == [str(SERVER.caddy_program)]
    except psutil.Error:
        return False


def _name_of(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a program"


def _unit_of(pid: int) -> str:
    """The service that a process belongs to, by its control group: ``0::/system.slice/nginx.service``."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            unit = line.rpartition("/")[2]
            if unit.endswith(".service") and "/system.slice/" in line:
                return unit
    return ""


def _apps_folder(path: Path) -> AppsFolder:
    filesystem = _filesystem_of(path)
    if path.is_symlink():
        return AppsFolder("link", filesystem=filesystem)
    if not path.exists():
        return AppsFolder("absent", filesystem=filesystem)
    if not path.is_dir():
        return AppsFolder("other", filesystem=filesystem)
    strangers = sorted(one.name for one in path.iterdir() if not _is_ours(one))
    return AppsFolder("directory", tuple(strangers[:_FEW]), filesystem)


def _is_ours(path: Path) -> bool:
    """The trash, an app, what a disk of its own has at its top, or what a crash left of a file being written."""
    is_known = path == SERVER.trash or path.name == "lost+found" or path.name.startswith(".potions-")
    return is_known or (SERVER.app(path.name).slots.is_dir() and not path.is_symlink())


def _filesystem_of(path: Path) -> str:
    """The kind of file system that a path is on, or will be."""
    while not path.exists():
        path = path.parent
    device = path.stat().st_dev
    found = "unknown"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        major, _, minor = before.split()[2].partition(":")
        if os.makedev(int(major), int(minor)) == device:
            found = after.split()[0]
    return found


def _user(found: pwd.struct_passwd) -> ExistingUser:
    return ExistingUser(
        name=found.pw_name,
        shell=found.pw_shell,
        home=found.pw_dir,
        uid=found.pw_uid,
        has_password=has_password(found.pw_name),
        groups=tuple(groups_beside_own(found)),
        processes=tuple(_processes_of(found.pw_uid)[:_FEW]),
        files=tuple(_files_in(Path(found.pw_dir))[:_FEW]),
    )


def _processes_of(uid: int) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.uids().real == uid:
                found.append(f"{process.pid} ({process.name()})")
    return found


#: What every new home is given.
_SKELETON = {".bashrc", ".bash_logout", ".profile", ".cloud-locale-test.skip"}


def _files_in(home: Path) -> list[str]:
    if home in {Path("/"), Path("/nonexistent")} or not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if path.name not in _SKELETON)


def _foreign_command() -> str:
    path = SERVER.command
    if path.is_symlink():
        target = str(path.readlink())
        return "" if target.startswith(f"{SERVER.program_folder}/") else f"a link to {target}"
    return "a file" if path.exists() else ""
