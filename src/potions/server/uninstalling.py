"""Taking Potions off a server: its parts, its units and its program. The apps' data stay, unless told otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from potions.errors import ServerRefused
from potions.host.files import remove_tree, write_atomically
from potions.layout import ADMIN_GROUP, SERVER
from potions.render.systemd import unit_name
from potions.server.accounts import USERS, find_user
from potions.server.alone import alone
from potions.server.firewall import remove_own_firewall
from potions.server.programs import answer_of, run
from potions.server.services import PARTS
from potions.server.step import Say

_KEPT_MODE = 0o600


class UninstallReport(msgspec.Struct, frozen=True):
    """What ``potions server uninstall --json`` prints."""

    kept: list[str]
    """The directories and users that are still there, in words."""


def uninstall(say: Say, *, delete_data: bool) -> UninstallReport:
    """Stop and remove everything but the program itself, for which `remove_program` comes last.

    Raises ServerRefused where nothing is installed, HomeBusy while an install runs, InstallFailed and UnsafePath where
    something cannot be removed; calling again removes the rest.
    """
    refuse_unless_server()
    with alone():
        _uninstall(say, delete_data=delete_data)
    return UninstallReport(_kept())


def _uninstall(say: Say, *, delete_data: bool) -> None:
    apps = _app_units()
    say(f"stopping {', '.join(apps) or 'the parts of Potions'}")
    _stop(apps)
    _remove_units(apps)
    say("removing the firewall's table and the settings of other programs")
    remove_own_firewall()
    for path in (SERVER.run_entries, SERVER.upgrades):
        path.unlink(missing_ok=True)
    run(["systemctl", "daemon-reload"], "systemd cannot read its units.")
    _put_settings_away(keep=not delete_data)
    for folder in (SERVER.settings.parent, SERVER.run, SERVER.logs):
        remove_tree(folder, below=folder.parent)
    if delete_data:
        say("deleting the data of all apps")
        _delete_data()
        _delete_users()


def refuse_unless_server() -> None:
    """Raise ServerRefused where this computer is no server, or somebody else than root asks."""
    if os.geteuid() != 0:
        raise ServerRefused("Only root can take Potions off this computer.", do="sudo potions server uninstall")
    if not (SERVER.settings.exists() or SERVER.kept_settings.exists() or SERVER.program_folder.exists()):
        raise ServerRefused(
            "Potions is not installed on this computer.", do="To install it: sudo potions server install"
        )


def remove_program() -> None:
    """Remove the virtual environments, of which this process may run from one: nothing can be imported after it."""
    command = SERVER.command
    if command.is_symlink() and str(command.readlink()).startswith(f"{SERVER.program_folder}/"):
        command.unlink()
    remove_tree(SERVER.program_folder, below=SERVER.program_folder.parent)


def _app_units() -> list[str]:
    """The units of all apps' programs: what has a spec."""
    specs = SERVER.programs.glob("*.json") if SERVER.programs.is_dir() else ()
    return sorted(unit_name(spec.name.removesuffix(".json")) for spec in specs)


def _stop(apps: list[str]) -> None:
    """The agent before the apps: it must not take the stops for crashes. Then the proxy, while apps still answer it."""
    own = {part.unit for part in PARTS}
    caddy = "potions-caddy.service"
    sockets = sorted(unit for unit in own if unit.endswith(".socket"))
    for units in (sockets, sorted(own - {caddy} - set(sockets)), [caddy], apps):
        there = [unit for unit in units if _is_loaded(unit)]
        if there:
            run(["systemctl", "stop", *there], f"systemd could not stop {', '.join(there)}.")
            answer_of("systemctl", "reset-failed", *there)


def _is_loaded(unit: str) -> bool:
    return answer_of("systemctl", "show", "--property=LoadState", "--value", unit).strip() == "loaded"


def _remove_units(apps: list[str]) -> None:
    """With the links by which they start with the computer. Apps get theirs again when Potions is installed again."""
    for unit in (*(part.unit for part in PARTS), *apps):
        for folder in (SERVER.units, SERVER.passing_units):
            for path in (folder / unit, *folder.glob(f"*.wants/{unit}")):
                path.unlink(missing_ok=True)


def _put_settings_away(*, keep: bool) -> None:
    if keep and SERVER.settings.exists():
        write_atomically(SERVER.kept_settings, SERVER.settings.read_bytes(), _KEPT_MODE)


def _data() -> tuple[Path, ...]:
    return (SERVER.apps, SERVER.state, SERVER.caddy, SERVER.dashboard_key.parent)


def _delete_data() -> None:
    for folder in _data():
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            remove_tree(entry, below=folder)
        # It stays where a disk of its own is mounted there.
        with suppress(OSError):
            folder.rmdir()


def _delete_users() -> None:
    for name in USERS:
        if find_user(name) is not None:
            run(["userdel", name], f"The user {name} cannot be removed.", do=f"See what still runs: ps -u {name}")
    answer_of("groupdel", ADMIN_GROUP)


def _kept() -> list[str]:
    words = {
        SERVER.apps: "the apps, with their storage and releases",
        SERVER.state: "what Potions remembers of them, and its settings",
        SERVER.caddy: "the certificates",
        SERVER.dashboard_key.parent: "the dashboard's key",
    }
    users = [name for name in USERS if find_user(name) is not None]
    return [*_there(words), *([f"the users {', '.join(users)}, whose files these are"] if users else [])]


def _there(words: dict[Path, str]) -> Iterator[str]:
    for path, what in words.items():
        if path.exists():
            yield f"{path}: {what}"
