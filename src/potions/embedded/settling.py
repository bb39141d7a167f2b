"""The settings that an embedded Potions runs with: what it had, what was asked for, or what is free."""

from __future__ import annotations

import os
import secrets

import msgspec

from potions.embedded.home import Say, load_settings
from potions.errors import UsageRefused
from potions.host import processes
from potions.host.account import apps_search_path
from potions.host.files import write_atomically
from potions.host.programs import own_programs
from potions.host.supervisord import Supervisord
from potions.layout import Home
from potions.model.app import LAST_PORT
from potions.model.service import Account
from potions.settings import EPMD_DISTANCE, FIRST_PORT, HTTP_PORT, Settings


def settle_settings(home: Home, account: Account, http_port: int | None, first_port: int | None, say: Say) -> Settings:
    """What this home runs with from now on: what it had, what was asked for, or what is free."""
    known = load_settings(home) if home.settings.exists() else None
    path = apps_search_path(os.environ.get("PATH", os.defpath), account, own_programs())
    if known is None:
        chosen = http_port or _choose_http_port(say)
        settings = Settings(
            http_port=chosen,
            first_port=first_port or FIRST_PORT,
            epmd_port=_choose_epmd_port(chosen),
            probe_token=secrets.token_urlsafe(24),
            app_user=account.name,
            search_path=path,
        )
    else:
        _refuse_another_port(home, "--http-port", known.http_port, http_port)
        _refuse_another_port(home, "--first-port", known.first_port, first_port)
        settings = msgspec.structs.replace(
            known,
            http_port=http_port or known.http_port,
            first_port=first_port or known.first_port,
            search_path=path,
        )
    if settings != known:
        write_atomically(home.settings, msgspec.json.format(msgspec.json.encode(settings)) + b"\n", 0o600)
    return settings


def refuse_ports(*ports: int | None) -> None:
    for port in ports:
        if port is not None and not 1024 <= port < LAST_PORT:
            raise UsageRefused(f"{port} cannot be a port here.", why=f"It has to be from 1024 to {LAST_PORT - 1}.")


def _refuse_another_port(home: Home, option: str, known: int, wanted: int | None) -> None:
    if wanted not in {None, known} and Supervisord(home).is_up():
        raise UsageRefused(
            f"Potions runs already, with {option} {known}.",
            do=f"To change it: potions down, then potions up {option} {wanted}",
        )


def _choose_http_port(say: Say) -> int:
    port = free_from(HTTP_PORT)
    if port != HTTP_PORT:
        say(f"Port {HTTP_PORT} is taken by {processes.listener_on(HTTP_PORT)}; this home uses {port} from now on.")
    return port


def _choose_epmd_port(http_port: int) -> int:
    """A port apart from that of any other home, because their HTTP ports differ too while both run."""
    is_room_above = http_port + 2 * EPMD_DISTANCE <= LAST_PORT
    return free_from(http_port + EPMD_DISTANCE if is_room_above else http_port - EPMD_DISTANCE)


def free_from(port: int) -> int:
    while not processes.is_port_free(port):
        port += 1
    return port
