"""The servers that were added on this computer, by the user that the agent runs as."""

from __future__ import annotations

from potions.schema import KnownServer


def known_servers() -> list[KnownServer]:
    """By name. Raises ServersUnreadable."""
    # What speaks SSH comes with it, and an agent that is never asked does not need that.
    from potions.ssh.remembered import Servers

    return [KnownServer(one.name, str(one.address), one.dashboard, one.default) for one in Servers().all()]
