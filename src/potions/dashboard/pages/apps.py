"""Every app on one page, and making a new one."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.visit import Visited
from potions.errors import PotionsError


class AppPages(Controller):
    """The first page."""

    @get("/", sync_to_thread=True)
    def all(self, visit: Visited) -> Template:
        return visit.page("apps.html", status_now=visit.agent.status(), name="")

    @post("/apps", sync_to_thread=True)
    def create(self, visit: Visited, data: Form) -> Template | Redirect:
        name = text(data, "name")
        try:
            app = visit.agent.create_app(name)
        except PotionsError as problem:
            return visit.page("apps.html", problem=problem, status_now=visit.agent.status(), name=name)
        made = app.summary.name
        return visit.go(f"/apps/{made}", f"{made} is there, with its storage. Deploy a release to it next.")
