"""Deleted apps: until when each can be brought back, and what it takes to be rid of it at once."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.looks import size
from potions.dashboard.visit import Visit, Visited
from potions.errors import NotConfirmed, PotionsError, TrashUnknown
from potions.schema import Role


class TrashPages(Controller):
    """For everybody to see, and for owners to act on."""

    path = "/trash"

    @get(sync_to_thread=True)
    def all(self, visit: Visited) -> Template:
        return _all(visit)

    @post("/{name:str}/restore", sync_to_thread=True)
    def restore(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        wanted = text(data, "new_name")
        try:
            app = visit.agent.restore_app(name, None if wanted in {"", name} else wanted)
        except PotionsError as problem:
            return _all(visit, problem, {name: wanted})
        back = app.summary.name
        return visit.go(f"/apps/{back}", f"{back} is back, with its storage, releases and variables.")

    @get("/{name:str}/remove", sync_to_thread=True, needs=Role.OWNER)
    def ask(self, visit: Visited, name: FromPath[str]) -> Template:
        return _remove(visit, name)

    @post("/{name:str}/remove", sync_to_thread=True)
    def remove(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        try:
            if text(data, "name") != name:
                raise NotConfirmed("What you typed is not the app's name; nothing was removed.", do=f"Type {name}.")
            gone = visit.agent.purge_trash(name)
        except PotionsError as problem:
            return _remove(visit, name, problem)
        return visit.go("/trash", f"{gone.name} is gone for good; {size(gone.total_bytes)} are free again.")


def _all(visit: Visit, problem: PotionsError | None = None, typed: dict[str, str] | None = None) -> Template:
    return visit.page("trash.html", problem=problem, deleted=visit.agent.trash(), typed=typed or {})


def _remove(visit: Visit, name: str, problem: PotionsError | None = None) -> Template:
    found = next((entry for entry in visit.agent.trash() if entry.name == name), None)
    if found is None:
        raise TrashUnknown(name)
    return visit.page("trash_remove.html", problem=problem, entry=found)
