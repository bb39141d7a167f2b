"""``/api``: the agent's API for holders of a token, passed through as it is.

Only the ``Authorization`` header says who asks here. Cookies are not even looked at, so that no other page can make a
browser do anything here; that is why no token of a form is needed. Both bodies are streamed: an upload is never held,
and a log is followed for as long as somebody reads it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import httpx
import msgspec
from litestar import asgi
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_401_UNAUTHORIZED
from litestar.types import Receive, Scope, Send

from potions.client import Streams
from potions.dashboard.visit import BrowserRequest, provide_door
from potions.errors import CredentialRefused, PageUnknown, PotionsError
from potions.schema import ErrorBody

#: A WebSocket that is closed before it was accepted is answered with 403; this is what is told behind one that was.
_NOT_HERE = 4404
_PREFIX = b"/api"
_OWN = "potions-"
#: What the agent gets to see of a request, beside the headers of Potions' own. Who asks from where says this process.
_ASKED = frozenset(
    {
        *(
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "if-modified-since",
            "if-none-match",
            "if-range",
        ),
        *("last-event-id", "range", "user-agent"),
    }
)
_NEVER_ASKED = "potions-from"
_ANSWERED = frozenset(
    {
        *("accept-ranges", "allow", "content-disposition", "content-length", "content-range"),
        *("content-type", "etag", "last-modified", "retry-after"),
    }
)
#: Should a browser ever show an answer, nothing in it runs.
_HARMLESS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"x-content-type-options", b"nosniff"),
]


class _AskerGoneError(Exception):
    """Whoever asked hung up in the middle of sending."""


@asgi("/api", is_mount=True, copy_scope=True, exclude_from_csrf=True)
async def pass_on(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request on to the agent, and its answer back. No WebSocket: consoles are for who is signed in."""
    if scope["type"] is ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": _NOT_HERE, "reason": ""})
        return
    request: BrowserRequest = BrowserRequest(scope, receive)
    await _Passing(request, receive, send).run()


class _Passing:
    """One request on its way."""

    def __init__(self, request: BrowserRequest, receive: Receive, send: Send) -> None:
        self._request = request
        self._receive = receive
        self._send = send
        self._sent = anyio.Event()
        self._began = False

    async def run(self) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._end_with_asker, group.cancel_scope)
            try:
                await self._pass()
            except _AskerGoneError:
                pass
            except PotionsError as told:
                # Behind the first byte nothing can be told any more: then the answer breaks off, and is seen to.
                if not self._began:
                    await self._refuse(told)
            group.cancel_scope.cancel()

    async def _pass(self) -> None:
        if not self._target().startswith(b"/"):
            raise PageUnknown
        if "authorization" not in self._request.headers:
            raise CredentialRefused("It is missing; cookies do not count here.")
        door = provide_door(self._request)
        # The credential goes through as it came, also where it came twice: it is the agent who refuses that.
        behalf = replace(door.strangers_behalf, agent="")
        async with (
            Streams(door.place.agent, behalf) as agent,
            agent.answer(self._request.method, self._target(), _kept(self._request), self._sending()) as answer,
        ):
            await self._begin(answer.status_code, [*_told(answer), *_HARMLESS])
            async for chunk in answer.aiter_raw():
                await self._body(chunk, more=True)
            await self._body(b"", more=False)

    def _target(self) -> bytes:
        """The path and the query as they came, without the prefix: what was encoded stays encoded."""
        raw: bytes = self._request.scope["raw_path"]
        query: bytes = self._request.scope["query_string"]
        return (raw.removeprefix(_PREFIX) or b"/") + (b"?" + query if query else b"")

    # What is sent

    def _sending(self) -> AsyncIterator[bytes] | None:
        has_body = not {"content-length", "transfer-encoding"}.isdisjoint(self._request.headers.keys())
        if not has_body:
            self._sent.set()
        return self._chunks() if has_body else None

    async def _chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _AskerGoneError
            more = message["type"] == "http.request" and message["more_body"]
            yield message["body"] if message["type"] == "http.request" else b""
        self._sent.set()

    async def _end_with_asker(self, all_of_it: anyio.CancelScope) -> None:
        """What whoever asked does not wait for any more, ends: the agent need not follow a log for nobody."""
        await self._sent.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        all_of_it.cancel()

    # What is answered

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._began = True
        if status == HTTP_401_UNAUTHORIZED:
            headers = [*headers, (b"www-authenticate", b'Bearer realm="potions"')]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _refuse(self, told: PotionsError) -> None:
        """An error as the agent would tell it."""
        body = ErrorBody(told.code, told.what, told.why, told.do, told.exit_status, told.retry)
        await self._begin(told.http_status, [(b"content-type", b"application/json"), *_HARMLESS])
        await self._body(msgspec.json.encode(body), more=False)


def _kept(request: BrowserRequest) -> list[tuple[bytes, bytes]]:
    """The headers that the agent gets to see."""
    return [(name, value) for name, value in request.scope["headers"] if _is_for_agent(name.decode("latin-1").lower())]


def _is_for_agent(name: str) -> bool:
    return name in _ASKED or (name.startswith(_OWN) and name != _NEVER_ASKED)


def _told(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    """The headers of the agent's answer that whoever asked gets to see."""
    kept = ((name.lower(), value) for name, value in answer.headers.raw)
    return [
        (name, value) for name, value in kept if name.decode("latin-1") in _ANSWERED or name.startswith(_OWN.encode())
    ]
