"""`potions` alone: what this is, and what to do next."""

from __future__ import annotations

from potions.cli.connection import chosen_server, connect
from potions.cli.front import ABOUT
from potions.cli.platform import show_status
from potions.cli.screen import print_json, say
from potions.errors import AgentUnreachable
from potions.homes import home_from_environment
from potions.schema import PlatformStatus


def welcome(*, json: bool) -> int:
    """Say what Potions is and the one next step; with ``json`` the same as ``potions status --json``."""
    if json:
        return _as_json()
    server = chosen_server()
    found = _status()
    if found is None:
        say(ABOUT)
        say()
        home = home_from_environment()
        say(f"It does not run now, at home in {home.root}. Start it: {home.how_to_start}", "bold")
    elif not found.apps:
        say(ABOUT)
        say()
        where = f"here, at http://localhost:{found.http_port}" if server is None else f"on {server.name}"
        say(f"It runs {where}, and has no app yet.")
        say("Make one: potions apps create NAME", "bold")
    else:
        show_status(found, server.name if server else "")
        say()
    say("All commands: potions --help")
    return 0


def _as_json() -> int:
    with connect() as client:
        print_json(client.status())
    return 0


def _status() -> PlatformStatus | None:
    try:
        with connect() as client:
            return client.status()
    except AgentUnreachable:
        if chosen_server() is not None:
            raise
        return None
