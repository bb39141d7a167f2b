"""Going back: a page that says what will change, and the button that does it."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError, RollbackOutdated
from potions.schema import RollbackPreview, RollbackVariables, Strategy


class RollbackPages(Controller):
    """The way back to what served before, or to an older release."""

    path = "/apps/{name:str}/rollback"

    @get(sync_to_thread=True)
    def ask(
        self,
        visit: Visited,
        name: FromPath[str],
        to: FromQuery[str] = "",
        env: FromQuery[RollbackVariables] = RollbackVariables.THEN,
    ) -> Template:
        return _ask(visit, name, to, env)

    @post(sync_to_thread=True)
    def do(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        to = text(data, "to")
        env = RollbackVariables.CURRENT if data.get("env") == RollbackVariables.CURRENT else RollbackVariables.THEN
        try:
            _refuse_other(visit.agent.rollback_preview(name, to or None, env), data)
            deployment = visit.agent.rollback(name, to or None, env)
        except PotionsError as problem:
            return _ask(visit, name, to, env, problem)
        return visit.go(f"/apps/{name}/deployments/{deployment.number}")


def _refuse_other(preview: RollbackPreview, data: dict[str, str]) -> None:
    """Raise RollbackOutdated where another deployment came between what the person saw and the button."""
    seen = (text(data, "serves"), text(data, "target"))
    if seen != (str(preview.serves.number), str(preview.target.number)):
        raise RollbackOutdated()


def _ask(visit: Visit, name: str, to: str, env: RollbackVariables, problem: PotionsError | None = None) -> Template:
    preview: RollbackPreview | None = None
    try:
        preview = visit.agent.rollback_preview(name, to or None, env)
    except PotionsError as refusal:
        problem = problem or refusal
    return visit.tab(
        "deployments",
        name,
        "app/rollback.html",
        problem=problem,
        preview=preview,
        visitors_wait=preview is not None and _visitors_wait(preview),
        to=to,
        env=env,
    )


def _visitors_wait(preview: RollbackPreview) -> bool:
    """Whether it is handed over: the one is stopped before the other starts."""
    strategies = {preview.serves.strategy, preview.target.strategy}
    return preview.way != "running" and Strategy.HANDOVER in strategies
