"""Handing on to a browser what the agent streams: never held, ended with whoever asked, and never run as a page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import quote

import anyio
import httpx
from litestar.background_tasks import BackgroundTask
from litestar.response import Stream

from potions.client import Streams
from potions.names import StoredPath

#: A stored file is somebody else's: nothing of it may run where people are signed in.
STORED_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
}
#: What the agent says of the bytes it sends, and a browser needs to resume.
_HANDED_ON = ("Content-Length", "Content-Range", "Accept-Ranges", "ETag")
_ASKED_ON = ("Range", "If-Range")

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+@=,-]")
#: As many characters as no file system refuses, however many bytes each of them has.
_NAME_MAX = 80


def attachment(name: str) -> str:
    """A Content-Disposition with which a browser saves what comes under ``name``, whatever bytes are in that.

    RFC 6266: a plain name for old programs, and all of it as RFC 5987 writes it. Bytes that are no UTF-8, characters
    that do not show and those that lead into other folders become ``_``.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "_")
    shown = "".join("_" if one in '/\\:*?"<>|' or not one.isprintable() else one for one in text).strip(" .")
    full = _shortened(shown or "file")
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', full)}\"; filename*=UTF-8''{quote(full, safe='')}"


def _shortened(name: str) -> str:
    """At most so many characters, with the end that says what kind of file it is."""
    if len(name) <= _NAME_MAX:
        return name
    begin, dot, end = name.rpartition(".")
    return name[:_NAME_MAX] if not dot or len(end) > 12 else f"{begin[: _NAME_MAX - len(end) - 1]}.{end}"


def name_of(app: str, place: StoredPath) -> str:
    """What something is called once it is saved: the storage itself by its app."""
    return place.name or f"{app}-storage"


async def hand_on(agent: Streams, route: str, name: str, asked: dict[str, str] | None = None) -> Stream:
    """Save a file of the agent's as ``name``; ``asked`` are the headers that a part of it was asked with.

    Takes ``agent`` over and closes it with the answer. Raises what the agent refuses with, before anything is sent.
    """
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(agent)
        answer = await opened.enter_async_context(agent.download(route, asked))
        end = opened.pop_all()
    name += _SUFFIX_OF.get(answer.headers.get("Content-Type", ""), "")
    headers = {each: answer.headers[each] for each in _HANDED_ON if each in answer.headers}
    return Stream(
        _sent(answer, end),
        media_type="application/octet-stream",
        status_code=answer.status_code,
        headers={**STORED_HEADERS, **headers, "Content-Disposition": attachment(name)},
        background=BackgroundTask(_close, end),
    )


#: A folder comes as an archive; the agent says of which kind.
_SUFFIX_OF = {"application/zip": ".zip", "application/x-tar": ".tar"}


def part_asked_for(headers: dict[str, str]) -> dict[str, str]:
    """The headers with which a browser asks for a part of a file, to be asked on."""
    known = {name.lower(): value for name, value in headers.items()}
    return {name: known[name.lower()] for name in _ASKED_ON if name.lower() in known}


async def _sent(answer: httpx.Response, end: AsyncExitStack) -> AsyncIterator[bytes]:
    try:
        # Where the agent breaks off, this raises, and the browser's connection breaks: it must not look whole.
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await _close(end)


async def _close(end: AsyncExitStack) -> None:
    """Let go of the agent also where the browser went away; again is fine."""
    with anyio.CancelScope(shield=True):
        await end.aclose()
