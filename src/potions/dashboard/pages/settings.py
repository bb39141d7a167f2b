"""The Settings tab: how the release that serves is run, and deleting the app."""

from __future__ import annotations

from functools import partial

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.looks import moment, size
from potions.dashboard.visit import Visit, Visited
from potions.errors import AppDamaged, AppDirectoryGone, NotConfirmed, PotionsError
from potions.schema import AppSettings, Role
from potions.turns import in_turn


class SettingsPages(Controller):
    """What is read from ``potions.toml`` and changed there, and what can be done here."""

    path = "/apps/{name:str}"

    @get("/settings", sync_to_thread=True)
    def show(self, visit: Visited, name: FromPath[str]) -> Template:
        app = visit.agent.app(name)
        try:
            settings, problem = visit.agent.app_settings(name), None
        except (AppDirectoryGone, AppDamaged) as told:
            # Such an app can still be deleted, and this is where.
            settings, problem = AppSettings(None), told
        return visit.tab("settings", name, "app/settings.html", problem=problem, app=app, settings=settings)

    @get("/delete", sync_to_thread=True, needs=Role.OWNER)
    def ask(self, visit: Visited, name: FromPath[str]) -> Template:
        return _delete(visit, name)

    @post("/delete")
    async def delete(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        purge = text(data, "how") == "purge"
        try:
            if text(data, "name") != name:
                raise NotConfirmed("What you typed is not the app's name; nothing was deleted.", do=f"Type {name}.")
            gone = await in_turn(partial(visit.agent.delete_app, name, purge=purge))
        except PotionsError as problem:
            return await in_turn(partial(_delete, visit, name, problem, purge=purge))
        if gone.restorable_until is None:
            return visit.go("/", f"{name} is gone for good, with {size(gone.storage_bytes)} of stored files.")
        return visit.go("/trash", f"{name} is deleted. It can be brought back until {moment(gone.restorable_until)}.")


def _delete(visit: Visit, name: str, problem: PotionsError | None = None, *, purge: bool = False) -> Template:
    """The page that says what will happen, as the agent counts it now."""
    removal = visit.agent.removal(name)
    return visit.tab("settings", name, "app/delete.html", problem=problem, removal=removal, purge=purge)
