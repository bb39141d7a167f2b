"""The audit log: who did what, and what was refused. For owners."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import Controller, get
from litestar.params import FromQuery
from litestar.response import Template

from potions.dashboard.visit import Visited

_PAGE = 100


class AuditPages(Controller):
    """Newest first, a page at a time."""

    path = "/audit"

    @get(sync_to_thread=True)
    def show(
        self,
        visit: Visited,
        app: FromQuery[str] = "",
        person: FromQuery[str] = "",
        before: FromQuery[int | None] = None,
    ) -> Template:
        wanted_app, wanted_person = app.strip(), person.strip()
        # One more than is shown says whether there is an older page.
        found = visit.agent.audit(_PAGE + 1, before, wanted_app or None, wanted_person or None)
        shown = found[:_PAGE]
        older = _older(shown[-1].id, wanted_app, wanted_person) if len(found) > _PAGE else ""
        return visit.page(
            "audit.html",
            entries=shown,
            older=older,
            app=wanted_app,
            person=wanted_person,
            later=before is not None,
        )


def _older(before: int, app: str, person: str) -> str:
    query = {"app": app, "person": person, "before": before}
    return "/audit?" + urlencode({name: value for name, value in query.items() if value})
