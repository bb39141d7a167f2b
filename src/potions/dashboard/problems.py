"""What went wrong, as a page that says what to do."""

from __future__ import annotations

import logging

from litestar import Response
from litestar.exceptions import HTTPException, NotFoundException, PermissionDeniedException
from litestar.response import Redirect, Template
from litestar.types import ExceptionHandlersMap

from potions.dashboard.visit import BrowserRequest, Door, page_asked_for, provide_door, sign_in_path
from potions.errors import (
    AgentLost,
    AgentUnreachable,
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
        return door.page("away.html", status=503, again=page_asked_for(request))
    return door.page("problem.html", problem=told)


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
    answer = door.go(path, told.what if isinstance(told, SessionEnded) else "")
    door.forget(answer)
    return answer


PROBLEM_HANDLERS: ExceptionHandlersMap = {Exception: answer_problem}
