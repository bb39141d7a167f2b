"""What the doctor asks of the install's steps: how this server is otherwise than it was made."""

from __future__ import annotations

from potions.layout import SERVER
from potions.render.platform_units import render_platform_units
from potions.server import written
from potions.server.accounts import accounts_step
from potions.server.firewall import firewall_step
from potions.server.packages import is_installed
from potions.server.programs import answer_of
from potions.settings import Settings

_UPDATES = "APT::Periodic::Unattended-Upgrade"


def users() -> list[str]:
    """How the users and the group of Potions differ."""
    return accounts_step().differences()


def firewall(settings: Settings) -> list[str]:
    """How the firewall differs; nothing where the server was installed without one."""
    if settings.server is not None and not settings.server.firewall:
        return []
    return firewall_step(wanted=True).differences()


def units(settings: Settings) -> dict[str, str]:
    """How the units of the platform's parts differ from what the version in force writes, by their names."""
    if not SERVER.current.is_symlink():
        return {}
    python = SERVER.version(str(SERVER.current.readlink())) / "bin/python"
    wanted = render_platform_units(SERVER, python=python, dashboard_address=settings.dashboard_address)
    each = {name: written.differences({SERVER.units / name: text}) for name, text in wanted.items()}
    return {name: found[0] for name, found in each.items() if found}


def has_updates() -> bool:
    """Whether security updates come by themselves, whoever said so."""
    told = answer_of("apt-config", "dump", "--format=%v", _UPDATES)
    return told.strip() not in {"", "0"} and is_installed("unattended-upgrades")
