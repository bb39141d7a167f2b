"""`potions server list`, `use` and `remove`: the servers that this computer knows, and reaches through SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from potions.cli.options import Json
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr

if TYPE_CHECKING:
    from potions.ssh.remembered import Server

_Known = Annotated[str, Parameter(name="NAME", help="As in: potions server list")]


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


def _show(found: list[Server]) -> None:
    table = new_table("NAME", "ADDRESS", "", fold=("",))
    for one in found:
        words = [f"socket {one.socket}"] if one.socket else []
        words += ["meant where none is named"] if one.default else []
        table.add_row(sanitise(one.name), sanitise(str(one.address)), sanitise(", ".join(words)))
    show(table)
