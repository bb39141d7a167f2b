"""`potions up`, `down`, `status` and `agent`: Potions itself on this computer."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from potions.cli.apps import show_apps
from potions.cli.connection import connect
from potions.cli.elsewhere import addressed
from potions.cli.links import find_dashboard, tell_dashboard
from potions.cli.options import Json
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr
from potions.homes import home_from_environment
from potions.schema import Deployment, Part, PlatformStatus

_HttpPort = Annotated[
    int | None,
    Parameter(
        name="--http-port",
        env_var="POTIONS_HTTP_PORT",
        help="Where the proxy listens (8480 at first; kept in the home).",
    ),
]
_FirstPort = Annotated[
    int | None,
    Parameter(
        name="--first-port",
        env_var="POTIONS_FIRST_PORT",
        help="The first port of the apps' slots (4000 at first; kept).",
    ),
]


def up(*, http_port: _HttpPort = None, first_port: _FirstPort = None, json: Json = False) -> int:
    """Start Potions here, in the background.

    Starts what does not run yet: the supervisor, the proxy, the agent and the
    apps. POTIONS_HOME names another home than ~/.local/share/potions. While
    there is no owner, it ends with a one-time link that makes the first user.

    For example:

        potions up
        POTIONS_HOME=/srv/try potions up --http-port 8481 --first-port 4100
    """
    from potions.embedded.running import bring_up

    # What happens on the way goes to standard error, so that the answer stands alone on standard output.
    status = bring_up(home_from_environment(), http_port, first_port, _tell)
    if json:
        print_json(status)
    else:
        show_status(status)
        say()
        with connect() as client:
            tell_dashboard(*find_dashboard(client))
    return 0


def down(*, json: Json = False) -> int:
    """Stop Potions here, with all its apps. Nothing is deleted.

    For example:

        potions down
    """
    from potions.embedded.running import take_down

    stopped = take_down(home_from_environment(), _tell)
    if json:
        print_json({"stopped": stopped})
    else:
        say("Potions is stopped. Start it again: potions up" if stopped else "Potions did not run here.")
    return 0


def status(*, json: Json = False) -> int:
    """Show what runs: Potions itself, the apps, the deploys.

    For example:

        potions status
        potions status --json
    """
    with connect() as client:
        found = client.status()
        where = client.elsewhere.name if client.elsewhere else ""
    if json:
        print_json(found)
    else:
        show_status(found, where)
    return 0


def agent() -> int:
    """Run the agent in the foreground. `potions up` does this for you.

    For example:

        potions agent
    """
    from potions.wiring import run_agent

    run_agent(home_from_environment())
    return 0


def show_status(found: PlatformStatus, server: str = "") -> None:
    """Print the whole picture: parts, apps, and the deploys that run or wait; ``server`` is where, if not here."""
    place = f"on {server} in {found.home}" if server else f"at {found.home}"
    say(f"Potions {found.version} {sanitise(place)}, apps run as {sanitise(found.app_user)}", "bold")
    say()
    _show_parts(found.parts)
    say()
    show_apps(found.apps)
    if found.running:
        say()
        _show_queue(found.running)


def _tell(line: str) -> None:
    say(sanitise(line), "dim", console=stderr())


def _show_parts(parts: list[Part]) -> None:
    table = new_table("PART", "STATE", "PID", "", fold=("",))
    for part in parts:
        state = Text("running", style="green") if part.running else Text("not running", style="bold red")
        table.add_row(sanitise(part.name), state, str(part.pid) if part.pid else "", sanitise(part.detail))
    show(table)


def _show_queue(running: list[Deployment]) -> None:
    table = new_table("DEPLOY", "STATUS", "RELEASE", "LOOK", fold=("LOOK",))
    for deployment in running:
        table.add_row(
            f"{deployment.number} of {deployment.app}",
            deployment.status.value,
            deployment.release.label,
            addressed(f"potions log {deployment.app} {deployment.number} -f"),
        )
    show(table)
