"""The Overview tab: what serves, the two slots, the last deployment, and the buttons that start and stop an app."""

from __future__ import annotations

from functools import partial

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.visit import Visited
from potions.turns import in_turn


class OverviewPages(Controller):
    """One app at a glance."""

    path = "/apps/{name:str}"

    @get(sync_to_thread=True)
    def show(self, visit: Visited, name: FromPath[str]) -> Template:
        app = visit.agent.app(name)
        return visit.tab("overview", name, "app/overview.html", app=app, recent=visit.agent.deployments(name, 5))

    @post("/stop")
    async def stop(self, visit: Visited, name: FromPath[str]) -> Redirect:
        await in_turn(partial(visit.agent.stop, name))
        return visit.go(f"/apps/{name}", f"{name} is stopped. Its files, releases and variables stay.")

    @post("/start")
    async def start(self, visit: Visited, name: FromPath[str]) -> Redirect:
        await in_turn(partial(visit.agent.start, name))
        return visit.go(f"/apps/{name}", f"{name} is started.")

    @post("/restart")
    async def restart(self, visit: Visited, name: FromPath[str]) -> Redirect:
        await in_turn(partial(visit.agent.restart, name))
        return visit.go(f"/apps/{name}", f"{name} was restarted.")
