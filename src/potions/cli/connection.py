"""Where the agent is, and the connection to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potions.cli.elsewhere import HERE, server_word

if TYPE_CHECKING:
    from potions.client import Client
    from potions.ssh.remembered import Server


def connect() -> Client:
    """A client of the agent that is meant: of a server's through SSH, else of this home's (POTIONS_HOME).

    To the one here nothing is sent before its first method is called. Raises what `potions.ssh` raises.
    """
    # All of these are slow to import and no page of help needs them.
    server = chosen_server()
    if server is not None:
        from potions.cli.tunnelled import connect_to

        return connect_to(server)
    from potions.client import Client
    from potions.homes import home_from_environment

    return Client(home_from_environment().agent_socket)


def chosen_server() -> Server | None:
    """The server that is meant; None for this computer. Raises ServerUnknown, ServerAddressRefused."""
    word = server_word()
    if word == HERE:
        return None
    from potions.ssh.remembered import Servers

    return Servers().find(word) if word else Servers().default()
