"""Where the agent is, and the connection to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potions.client import Client


def connect() -> Client:
    """A client of the agent of this home (POTIONS_HOME). Nothing is sent before its first method is called."""
    # Both are slow to import and no page of help needs them.
    from potions.client import Client
    from potions.homes import home_from_environment

    return Client(home_from_environment().agent_socket)
