"""`potions server add`, `list`, `use` and `remove`: the servers that this computer knows, and reaches through SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from potions.cli.options import Json
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr

if TYPE_CHECKING:
    from potions.ssh import Connection
    from potions.ssh.remembered import Server, Servers

_Known = Annotated[str, Parameter(name="NAME", help="As in: potions server list")]


def add(
    address: Annotated[str, Parameter(name="USER@HOST", help="Where SSH finds it, with :PORT where that is not 22.")],
    /,
    *,
    name: Annotated[str | None, Parameter(name="--name", help="What to call it here; left out, like its host.")] = None,
    host_key: Annotated[
        str, Parameter(name="--host-key", help="The fingerprint (SHA256:…) to accept; left out, you are asked.")
    ] = "",
    socket: Annotated[
        str | None, Parameter(name="--socket", help="Where its agent listens, if that is not an installed server's.")
    ] = None,
    json: Json = False,
) -> int:
    """Connect to a server through SSH, and remember it.

    A key that was never met is shown with its fingerprint, and accepted once.
    SSH works as in ~/.ssh/config, with the keys that are there. The first
    server becomes the one that commands mean where none is named.

    For example:

        potions server add root@example.org --name shop
        potions --server shop status
    """
    from potions.cli.tunnelled import AtTerminal
    from potions.ssh import Connection
    from potions.ssh.remembered import Servers

    servers = Servers()
    meant = _meant(servers, address, name, socket)
    servers.check(meant)
    with Connection(meant.address, AtTerminal(), host_key) as connection:
        version = _greet(connection, meant)
    kept = servers.remember(meant)
    if json:
        print_json(kept)
        return 0
    say(f"{kept.name} is remembered: {kept.address}, Potions {sanitise(version)}.", "bold")
    if kept.default:
        say("It is the one that commands mean now; this computer is: --server here")
    else:
        say(f"For example: potions --server {kept.name} status")
    return 0


def list_servers(*, json: Json = False) -> int:
    """List the servers that this computer knows.

    For example:

        potions server list
    """
    from potions.ssh.remembered import Servers

    found = Servers().all()
    if json:
        print_json(found)
    elif found:
        _show(found)
    else:
        say("No server yet. Add one: potions server add USER@HOST")
    return 0


def use(name: _Known, /, *, json: Json = False) -> int:
    """Choose the server that commands mean where none is named.

    NAME may be `here`: then that is this computer again.

    For example:

        potions server use shop
        potions server use here
    """
    from potions.ssh.remembered import Servers

    chosen = Servers().use(name)
    if json:
        print_json(chosen)
    elif chosen is None:
        say("Commands mean this computer now.")
    else:
        say(f"Commands mean {chosen.name} ({chosen.address}) now; this computer is: --server here")
    return 0


def remove(name: _Known, /, *, json: Json = False) -> int:
    """Forget a server here. Nothing changes on the server itself.

    For example:

        potions server remove shop
    """
    from potions.ssh.remembered import Servers

    gone = Servers().forget(name)
    if json:
        print_json(gone)
        return 0
    say(f"{gone.name} ({gone.address}) is forgotten here. The server itself was not touched.")
    if gone.default:
        say("Commands mean this computer now, where no server is named.", console=stderr())
    return 0


def _meant(servers: Servers, address: str, name: str | None, socket: str | None) -> Server:
    """What is to be remembered; a name that is remembered already stands for its address."""
    from potions.ssh.remembered import Server, name_for, parse_server_name

    found = servers.find(address)
    is_known = any(found.name == known.name for known in servers.all())
    called = parse_server_name(name) if name else found.name if is_known else name_for(found.host)
    return Server(called, found.user, found.host, found.port, socket or found.socket)


def _greet(connection: Connection, meant: Server) -> str:
    """The version of the agent there. Raises NotInstalledThere and whatever else keeps it from being asked."""
    from potions.cli.tunnelled import socket_there
    from potions.client import Client, Elsewhere
    from potions.ssh import Tunnel

    where = Elsewhere(meant.name, str(meant.address))
    with Tunnel(connection, socket_there(meant)) as tunnel, Client(tunnel.socket, elsewhere=where) as client:
        return client.status().version


def _show(found: list[Server]) -> None:
    table = new_table("NAME", "ADDRESS", "", fold=("",))
    for one in found:
        words = [f"socket {one.socket}"] if one.socket else []
        words += ["meant where none is named"] if one.default else []
        table.add_row(sanitise(one.name), sanitise(str(one.address)), sanitise(", ".join(words)))
    show(table)
