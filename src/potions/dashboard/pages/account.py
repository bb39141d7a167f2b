"""One's own account: the password, where one is signed in, and what else belongs to oneself."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError

_ACCOUNT = "/account"


class AccountPages(Controller):
    """The page behind one's own name."""

    path = _ACCOUNT

    @get(sync_to_thread=True)
    def show(self, visit: Visited) -> Template:
        return account_page(visit)

    @post("/password", sync_to_thread=True)
    def change_password(self, visit: Visited, data: Form) -> Template | Redirect:
        try:
            visit.agent.change_password(data.get("old", ""), data.get("new", ""))
        except PotionsError as problem:
            return account_page(visit, problem)
        return visit.go(_ACCOUNT, "Your password is changed. Everywhere else you were signed out.")

    @post("/sessions/{which:int}/end", sync_to_thread=True)
    def end_session(self, visit: Visited, which: FromPath[int]) -> Redirect:
        visit.agent.end_session(which)
        return visit.go(_ACCOUNT, "That session is ended.")

    @post("/sessions/end-others", sync_to_thread=True)
    def end_others(self, visit: Visited) -> Redirect:
        ended = visit.agent.end_sessions().sessions
        return visit.go(_ACCOUNT, f"{ended} other session{'' if ended == 1 else 's'} ended.")


def account_page(visit: Visit, problem: PotionsError | None = None, **typed: Any) -> Template:
    """The page, with what was typed where a form of it was refused."""
    mine = [token for token in visit.agent.tokens() if token.person == visit.caller.name]
    apps = [app.name for app in visit.agent.apps()]
    token = {"name": "", "app": "", "access": "read", "days": "", **typed}
    return visit.page(
        "account.html", problem=problem, sessions=visit.agent.sessions(), tokens=mine, apps=apps, typed=token
    )
