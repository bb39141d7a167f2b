"""Where a dashboard is: the agent it asks, the socket it listens on, and the address browsers know it by."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Place:
    """One dashboard of one agent."""

    agent: Path
    """The agent's socket for the web, on which nobody has rights without a credential."""
    listens: Path
    """The socket on which the proxy asks."""
    address: str
    """What stands in a browser's address bar, without a path: ``http://potions.localhost:8480``."""
    key: bytes = field(repr=False)
    """32 bytes that the tokens of forms are signed with."""

    @property
    def is_https(self) -> bool:
        return self.address.startswith("https:")

    def cookie(self, name: str) -> str:
        """A cookie's name. Browsers keep cookies apart by host, not by port, and two homes may live side by side.

        By HTTPS browsers take it from this host alone, and only over HTTPS: no app of the server can make one up.
        """
        if self.is_https:
            return f"__Host-potions-{name}"
        port = urlsplit(self.address).port
        return f"potions-{port}-{name}" if port else f"potions-{name}"
