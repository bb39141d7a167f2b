"""The servers that were added on the computer that Potions runs on. For owners."""

from __future__ import annotations

from litestar import Controller, get
from litestar.response import Template

from potions.dashboard.visit import Visited


class ServerPages(Controller):
    """A list; each has a dashboard of its own."""

    path = "/servers"

    @get(sync_to_thread=True)
    def show(self, visit: Visited) -> Template:
        return visit.page("servers.html", servers=visit.agent.known_servers())
