"""API tokens: making one, which is shown once, and revoking it."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.pages.account import account_page
from potions.dashboard.visit import Visit, Visited, own_path
from potions.errors import PotionsError, TokenNotFound, UsageRefused
from potions.schema import Token, TokenAccess, TokenCreate


class TokenPages(Controller):
    """One's own tokens; owners may revoke everybody's."""

    path = "/account/tokens"

    @get(sync_to_thread=True)
    def again(self, visit: Visited) -> Redirect:
        return visit.go("/account#tokens")

    @post(sync_to_thread=True)
    def create(self, visit: Visited, data: Form) -> Template:
        typed = {field: text(data, field) for field in ("name", "app", "access", "days")}
        try:
            made = visit.agent.create_token(_wanted(typed))
        except PotionsError as problem:
            return account_page(visit, problem, **typed)
        return visit.page("token_made.html", made=made)

    @get("/{which:int}/revoke", sync_to_thread=True)
    def ask(self, visit: Visited, which: FromPath[int]) -> Template:
        return visit.page("token_revoke.html", token=_found(visit, which), back=_back(visit))

    @post("/{which:int}/revoke", sync_to_thread=True)
    def revoke(self, visit: Visited, which: FromPath[int], data: Form) -> Redirect:
        gone = visit.agent.revoke_token(which)
        return visit.go(own_path(text(data, "back") or "/account"), f"The token {gone.name} opens nothing any more.")


def _wanted(typed: dict[str, str]) -> TokenCreate:
    """What a form asks for; raises UsageRefused for what no form of ours sends."""
    try:
        access = TokenAccess(typed["access"] or TokenAccess.READ)
        days = int(typed["days"]) if typed["days"] else None
    except ValueError:
        raise UsageRefused("The days are a whole number, and a token may read or write.") from None
    return TokenCreate(typed["name"], access, typed["app"] or None, days)


def _found(visit: Visit, which: int) -> Token:
    found = next((token for token in visit.agent.tokens() if token.id == which), None)
    if found is None:
        raise TokenNotFound
    return found


def _back(visit: Visit) -> str:
    """Owners come from the page of a person, everybody else from their own."""
    return own_path(visit.request.query_params.get("back", "/account"))
