"""The servers that this computer knows."""

from __future__ import annotations

from litestar import get

from potions.model.access import Needs
from potions.schema import KnownServer
from potions.service.known_servers import known_servers


@get("/servers", sync_to_thread=True, needs=Needs.OWNER, tags=["platform"], summary="The servers that were added here")
def servers() -> list[KnownServer]:
    return known_servers()
