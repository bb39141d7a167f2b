"""Errors as answers: whatever goes wrong, the body is an ErrorBody."""

from __future__ import annotations

import logging
import re

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from potions.errors import InternalError, NoRoom, PotionsError, RequestRefused
from potions.schema import ErrorBody

_log = logging.getLogger(__name__)
_DISK_FULL = {28, 122}
_REFUSAL = "potions_refusal"
_APP = re.compile(r"\bAPP\b")


def answer_error(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
    """The answer to a request that failed."""
    told = as_potions_error(error)
    _name_the_app(told, request.path_params.get("name"))
    request.scope["state"][_REFUSAL] = told.code
    if isinstance(told, InternalError):
        _log.error("%s %s", request.method, _path_to_log(request), exc_info=error)
    status = told.http_status
    if isinstance(error, HTTPException):
        status = error.status_code
    seconds = getattr(told, "seconds", 0)
    return Response(
        content=msgspec.json.encode(body_of(told)),
        status_code=status,
        media_type=MediaType.JSON,
        headers={"Retry-After": str(seconds)} if seconds else None,
    )


def refusal_of(request: Request) -> str:  # type: ignore[type-arg]
    """The code of the error that a request was answered with; empty where there was none."""
    code: str = request.scope["state"].get(_REFUSAL, "")
    return code


def _path_to_log(request: Request) -> str:  # type: ignore[type-arg]
    """A link's token stands in its path, and has no business in a log."""
    template: str = request.scope.get("path_template", "")
    return template if "{token}" in template else request.url.path


def _name_the_app(told: PotionsError, name: object) -> None:
    """Below the service nobody knows the app's name, and writes APP for it: filled in here, it can be copied."""
    if isinstance(name, str) and name.isascii() and name.replace("-", "").isalnum():
        told.do = _APP.sub(name, told.do)


def as_potions_error(error: Exception) -> PotionsError:
    """Any exception as one that a person can read."""
    if isinstance(error, PotionsError):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        detail = error.detail
        return RequestRefused(f"The request does not fit the API: {detail}", why=_what_does_not_fit(error))
    if isinstance(error, UnicodeDecodeError):
        # msgspec tells of a body that is no JSON in words of its own, but lets this one through.
        return RequestRefused("The request does not fit the API: it is not valid UTF-8.")
    if isinstance(error, RecursionError) and "deserializing" in str(error):
        return RequestRefused("The request does not fit the API: it is nested too deeply.")
    if isinstance(error, OverflowError | RecursionError):
        return RequestRefused("The request does not fit the API: a number is too large, or a value too deep.")
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return NoRoom("The disk is full.", do="Make room, then try again.")
    return InternalError("Potions made a mistake.", do="The agent's log has the details; potions status names it.")


def _what_does_not_fit(error: HTTPException) -> str:
    """Which values Litestar refused, in words: ``lines: Expected `int` >= 0``."""
    extra = error.extra if isinstance(error.extra, list) else []
    return "; ".join(f"{one.get('key', '')}: {one.get('message', '')}" for one in extra if isinstance(one, dict))


def body_of(error: PotionsError) -> ErrorBody:
    return ErrorBody(error.code, error.what, error.why, error.do, error.exit_status, error.retry)
