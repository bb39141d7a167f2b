"""API tokens, and the log of who did what."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from potions.agent.api.handed import AgentRequest, Asked, Asker
from potions.agent.api.sessions import Id
from potions.agent.audit import noted
from potions.model.access import Needs
from potions.schema import AuditEntry, Token, TokenCreate, TokenMade


class TokenController(Controller):
    """One's own tokens; owners see and revoke all."""

    path = "/tokens"
    tags = ("tokens",)

    @get(sync_to_thread=True, needs=Needs.PERSON, summary="One's own tokens; for owners everybody's")
    def all(self, service: Asked, asker: Asker) -> list[Token]:
        return service.tokens.tokens(asker)

    @post(sync_to_thread=True, needs=Needs.PERSON, act="create token", summary="Make a token; its secret is told once")
    def create(self, request: AgentRequest, service: Asked, asker: Asker, data: JSONBody[TokenCreate]) -> TokenMade:
        made = service.tokens.create(asker, data)
        noted(request).detail = _words(made.token)
        noted(request).app = made.token.app or ""
        return made

    @delete(
        "/{which:int}",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.PERSON,
        act="revoke token",
        summary="Revoke a token",
    )
    def revoke(self, request: AgentRequest, service: Asked, asker: Asker, which: Id) -> Token:
        gone = service.tokens.revoke(asker, which)
        noted(request).detail = _words(gone)
        noted(request).app = gone.app or ""
        return gone


def _words(token: Token) -> str:
    return f"{token.name} of {token.person}, {token.access}, {token.app or 'all apps'}"


@get("/audit", sync_to_thread=True, needs=Needs.OWNER, tags=["people"], summary="Who did what, the newest first")
def audit(
    service: Asked,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    before: Annotated[int | None, QueryParameter(ge=0, le=2**63 - 1)] = None,
    app: FromQuery[str | None] = None,
    person: FromQuery[str | None] = None,
) -> list[AuditEntry]:
    return service.audit.entries(limit, before, app, person)
