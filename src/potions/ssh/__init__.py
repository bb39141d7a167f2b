"""SSH to servers: connections, the agent's socket through them, commands there, and which servers are remembered."""

from __future__ import annotations

from potions.ssh.address import Address, parse_address
from potions.ssh.connecting import Connection
from potions.ssh.person import Person
from potions.ssh.remote import Ran, Remote
from potions.ssh.tunnel import SERVER_SOCKET, Tunnel

__all__ = ["SERVER_SOCKET", "Address", "Connection", "Person", "Ran", "Remote", "Tunnel", "parse_address"]
