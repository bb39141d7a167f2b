"""Every app on one page, and making a new one."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError


class AppPages(Controller):
    """The first page."""

    @get("/", sync_to_thread=True)
    def all(self, visit: Visited, q: FromQuery[str] = "") -> Template:
        return _all(visit, containing=q.strip())

    @post("/apps", sync_to_thread=True)
    def create(self, visit: Visited, data: Form) -> Template | Redirect:
        name = text(data, "name")
        try:
            app = visit.agent.create_app(name)
        except PotionsError as problem:
            return _all(visit, problem, name=name)
        made = app.summary.name
        return visit.go(f"/apps/{made}", f"{made} is there, with its storage. Deploy a release to it next.")


def _all(visit: Visit, problem: PotionsError | None = None, *, name: str = "", containing: str = "") -> Template:
    """Every app, or those with ``containing`` in their names; ``name`` was typed for a new one."""
    apps = visit.agent.apps()
    shown = [app for app in apps if containing.lower() in app.name]
    return visit.page("apps.html", problem=problem, apps=shown, every=len(apps), containing=containing, name=name)
