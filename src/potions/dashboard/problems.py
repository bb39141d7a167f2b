"""What went wrong, as a page that says what to do."""

from __future__ import annotations

import logging
import re

from litestar import Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, PermissionDeniedException
from litestar.response import Redirect, Template
from litestar.types import ExceptionHandlersMap

from potions.dashboard.tabs import TABS
from potions.dashboard.visit import BrowserRequest, Door, page_asked_for, provide_door, sign_in_path
from potions.errors import (
    AgentLost,
    AgentUnreachable,
    AppUnknown,
    CredentialRefused,
    FormExpired,
    InternalError,
    PageUnknown,
    PotionsError,
    RequestRefused,
    SessionEnded,
    SignInNeeded,
    TokenUnknown,
)

_log = logging.getLogger(__name__)

_BELOW_APP = re.compile(r"/apps/([a-z][a-z0-9-]*)(/.*)?\Z")

_NOT_SIGNED_IN = (SignInNeeded, SessionEnded, CredentialRefused, TokenUnknown)
_AWAY = (AgentUnreachable, AgentLost)


def answer_problem(request: BrowserRequest, error: Exception) -> Response[object] | Template | Redirect:
    """The page for any error."""
    door: Door = request.state.get("visit") or provide_door(request)
    told = _told(error)
    if isinstance(told, InternalError):
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
    if isinstance(told, _NOT_SIGNED_IN):
        return _to_sign_in(door, told)
    if isinstance(told, _AWAY):
        return door.page("away.html", status=503, again=page_asked_for(request), sent=request.method != "GET")
    if isinstance(error, MethodNotAllowedException) and request.method == "GET":
        # Where a form was sent to; whoever opens that address wants the page with the form.
        return door.go(_tab_of(request.url.path) or "/")
    back = None if isinstance(told, AppUnknown) else _tab_of(request.url.path)
    return door.page("problem.html", problem=told, back=back)


def _tab_of(path: str) -> str | None:
    """The page of an app that an address below it belongs to, for the way back; None for what stands elsewhere."""
    found = _BELOW_APP.match(path)
    if found is None:
        return None
    app, below = found[1], found[2] or ""
    tab = next((one.path for one in TABS if one.path and below.startswith(f"{one.path}/")), "")
    return f"/apps/{app}{tab}"


def _told(error: Exception) -> PotionsError:
    if isinstance(error, PotionsError):
        return error
    if isinstance(error, NotFoundException):
        return PageUnknown()
    if isinstance(error, PermissionDeniedException):
        return FormExpired()
    if isinstance(error, HTTPException) and error.status_code < 500:
        return RequestRefused(f"The request does not fit the page: {error.detail}")
    return InternalError("The dashboard made a mistake.", do="Its log has the details: logs/dashboard.log in the home.")


def _to_sign_in(door: Door, told: PotionsError) -> Response[object] | Redirect:
    """To the page where one signs in. A part of a page that is fetched anew has the whole page go there."""
    path = sign_in_path(door.request)
    if door.request.headers.get("HX-Request"):
        return Response(content=None, status_code=401, headers={"HX-Redirect": path})
    answer = door.go(path, _why_to_sign_in(door, told))
    door.forget(answer)
    return answer


def _why_to_sign_in(door: Door, told: PotionsError) -> str:
    if door.request.method != "GET":
        return "You were not signed in any more, so what you sent was not done. Sign in, and send it once more."
    return told.what if isinstance(told, SessionEnded) else ""


PROBLEM_HANDLERS: ExceptionHandlersMap = {Exception: answer_problem}
