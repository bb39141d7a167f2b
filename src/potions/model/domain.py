"""The domains of an app, and the rules about the name that it answers at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from potions.names import DomainName


class Domain(msgspec.Struct, frozen=True):
    """A domain as the agent remembers it."""

    name: DomainName
    primary: bool
    """The one that the app is told of in PHX_HOST."""
    added: datetime


class HostOutcome(StrEnum):
    """What became of PHX_HOST when the domains of an app changed."""

    CHANGED = "changed"
    """It says the primary domain now; the app learns of it at the next deploy."""
    SAME = "same"
    """It said so already."""
    EDITED = "edited"
    """A person has set it, so it stays as it is."""
    REMOVED = "removed"
    """A person has removed it, so it stays away."""


class Answering(msgspec.Struct, frozen=True):
    """How a server is known, as far as the names of its apps depend on it."""

    address: str
    """The server's own name or IP address."""
    wildcard: str
    """A name below which every app answers; empty where there is none."""

    def own_name(self, app: str) -> str:
        """The name below the wildcard; empty where there is none."""
        return f"{app}.{self.wildcard}" if self.wildcard else ""

    def host_before_a_domain(self, app: str) -> str:
        """PHX_HOST of an app that has no domain."""
        return self.own_name(app) or self.address

    def public_names(self, app: str, domains: Sequence[str]) -> list[str]:
        """Every name it answers at by HTTPS, the primary one first."""
        own = self.own_name(app)
        return [*domains, *([own] if own and own not in domains else [])]
