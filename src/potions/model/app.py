"""An app and the pair of ports its slots listen on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from potions.layout import Colour
from potions.names import AppName

LAST_PORT = 65_535


class Ports(msgspec.Struct, frozen=True):
    """The ports of the two slots: always ``first`` for blue and the one after it for green."""

    first: int

    def of(self, colour: Colour) -> int:
        return self.first if colour is Colour.BLUE else self.first + 1

    @property
    def both(self) -> tuple[int, int]:
        """Blue's, then green's."""
        return self.first, self.first + 1


class App(msgspec.Struct, frozen=True):
    """An app as the agent remembers it. ``id`` never comes back, also when the name does."""

    id: int
    name: AppName
    ports: Ports
    created: datetime
    stopped: bool = False

    @property
    def host(self) -> str:
        """The name it answers at. ``*.localhost`` is this computer, by RFC 6761."""
        return f"{self.name}.localhost"


def choose_ports(first_port: int, taken: Iterable[int], is_free: Callable[[int], bool]) -> Ports | None:
    """The lowest pair from ``first_port`` that no app has and where nobody else listens; None when there is none.

    ``taken`` holds the first ports of the pairs that apps have. A freed pair is found again because it is the lowest.
    """
    has = {port for first in taken for port in (first, first + 1)}
    for first in range(first_port, LAST_PORT, 2):
        if first not in has and first + 1 not in has and is_free(first) and is_free(first + 1):
            return Ports(first)
    return None
