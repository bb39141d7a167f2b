"""The log of who did what, written in one place: where an answer begins, whatever route it is of.

Written are all requests that change something, looks at values and at contents of files, and what the guard refused.
A look whose entry cannot be written is refused; what was done already is answered as done, and told in the agent's log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl

import anyio.to_thread
from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from potions.agent.access import act_of, address_of, app_of, asker_of, asks_for_values, has_all_rights
from potions.agent.api.answers import answer_error, refusal_of
from potions.errors import CodeNeeded, PotionsError, RoleNeeded, TokenLimited, TooManyAttempts
from potions.model.access import Principal, Role, Way
from potions.names import shown_name
from potions.service import Service

_log = logging.getLogger(__name__)

_NOTED = "potions_noted"
_LOOKS = {"GET", "HEAD"}
_BY_THE_GUARD = {RoleNeeded.code, TokenLimited.code}
#: Of somebody who is not signed in: a step on the way, and what would fill the log by itself.
_NOT_OF_STRANGERS = {CodeNeeded.code, TooManyAttempts.code}
#: What of a path and a query says what was meant. No other part of them is written: a link's token is one.
_PATH_WORDS = ("number", "variable", "person", "which")
_QUERY_WORDS = ("path", "to", "person")


@dataclass
class Noted:
    """What a handler adds to the entry of its request: names, never values."""

    who: str = ""
    """Where nobody is signed in: who it is about."""
    detail: str = ""
    app: str = ""


def noted(request: Request[Any, Any, Any]) -> Noted:
    """The notes of this request, to write into."""
    found: Noted = request.scope["state"].setdefault(_NOTED, Noted())
    return found


class AuditMiddleware(ASGIMiddleware):
    """Writes the entry of a request when its answer begins."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request: Request[Any, Any, Any] = Request(cast(HTTPScope, scope), receive)
        replaced = False

        async def watched(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                error = await self._write(request, message["status"])
                if error is not None:
                    replaced = True
                    answer = answer_error(request, error).to_asgi_response(app=None, request=request)
                    await answer(scope, receive, send)
            if not replaced:
                await send(message)

        await next_app(scope, receive, watched)

    async def _write(self, request: Request[Any, Any, Any], status: int) -> PotionsError | None:
        """Write what there is to write; returns what has to be answered instead."""
        outcome = "ok" if status < 400 else refusal_of(request) or str(status)
        asker = _asker(request, outcome)
        if asker is None or not _is_written(request, outcome):
            return None
        act, app, detail = act_of(request.scope), _app(request), _detail(request)
        write = partial(self._service.audit.write, asker, act, app, detail, outcome)
        try:
            await anyio.to_thread.run_sync(write)
        except PotionsError as error:
            _log.error("not in the audit log: %s, %s %s %s: %s (%s)", asker.name, act, app, detail, outcome, error.what)
            return error if request.method in _LOOKS and outcome == "ok" else None
        return None


def _asker(request: Request[Any, Any, Any], outcome: str) -> Principal | None:
    known = asker_of(request.scope)
    who = noted(request).who
    if known is not None or not who or outcome in _NOT_OF_STRANGERS:
        return known
    way = Way.CLI if has_all_rights(request.scope) else Way.DASHBOARD
    return Principal(who, way, Role.VIEWER, address=address_of(request))


def _is_written(request: Request[Any, Any, Any], outcome: str) -> bool:
    handler = request.scope["route_handler"]
    if outcome in _BY_THE_GUARD:
        return True
    if handler.opt.get("flag") is not None:
        return asks_for_values(request, handler)
    return bool(handler.opt.get("act"))


def _app(request: Request[Any, Any, Any]) -> str:
    named = app_of(request.scope) or request.path_params.get("name") or noted(request).app
    return shown_name(str(named))[:60]


def _detail(request: Request[Any, Any, Any]) -> str:
    query = dict(parse_qsl(request.scope["query_string"].decode("ascii", "replace"), errors="surrogateescape"))
    words = [str(request.path_params[word]) for word in _PATH_WORDS if word in request.path_params]
    words += [query[word] for word in _QUERY_WORDS if word in query]
    told = noted(request).detail
    return ", ".join(shown_name(word) for word in (*words, *([told] if told else [])))
