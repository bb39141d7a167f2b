"""What a WebSocket is answered that is refused before it begins: an ErrorBody, as any other request."""

from __future__ import annotations

from functools import partial
from typing import cast

import anyio.to_thread
import msgspec
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from potions.agent.access import act_of, app_of, asker_of
from potions.agent.api.answers import as_potions_error, body_of
from potions.errors import PotionsError, SignInNeeded
from potions.names import shown_name
from potions.service import Service

_FAILED = "potions_failed"


async def remember_failure(error: Exception, scope: Scope) -> None:
    """Have the middleware below know why: all that comes to it is that the connection is closed."""
    if scope["type"] == ScopeType.WEBSOCKET:
        scope["state"][_FAILED] = error


class HandshakeMiddleware(ASGIMiddleware):
    """Answers a refused handshake over HTTP, and writes it down where somebody was refused."""

    scopes = (ScopeType.WEBSOCKET,)

    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        accepted = False

        async def watched(message: Message) -> None:
            nonlocal accepted
            accepted = accepted or message["type"] == "websocket.accept"
            if message["type"] == "websocket.close" and not accepted:
                await self._refuse(scope, send)
            else:
                await send(message)

        await next_app(scope, receive, watched)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        failed = scope["state"].get(_FAILED)
        error = SignInNeeded() if failed is None else as_potions_error(failed)
        await self._write(scope, error)
        body = msgspec.json.encode(body_of(error))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        start = {"type": "websocket.http.response.start", "status": error.http_status, "headers": headers}
        # An extension of ASGI that Litestar's types do not know.
        await send(cast(Message, start))
        await send(cast(Message, {"type": "websocket.http.response.body", "body": body}))

    async def _write(self, scope: Scope, error: PotionsError) -> None:
        asker = asker_of(scope)
        if asker is not None:
            app = shown_name(str(app_of(scope) or ""))[:60]
            await anyio.to_thread.run_sync(
                partial(self._service.audit.write, asker, act_of(scope), app, "", error.code)
            )
