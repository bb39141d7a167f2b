"""Tells whoever asks why the agent cannot start.

On a server systemd keeps the agent's sockets open while it is started again and again, so whoever asks would wait
without a word. Without such a socket nobody can connect, and there is nobody to tell.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from potions.agent.api.answers import body_of
from potions.agent.app import ADMIN_GROUPS, server_of
from potions.errors import AgentNotStarted, PotionsError
from potions.layout import Home
from potions.listening import handed_over

#: Before it ends, to be started again by systemd a second later.
TELL_SECONDS = 2.0

_HEADERS = [(b"content-type", b"application/json")]


def tell_why(error: Exception, home: Home, seconds: float = TELL_SECONDS) -> None:
    """Answer every request with ``error`` for so long; at once over where systemd keeps no socket of this home."""
    listeners = [found for path in (home.agent_socket, home.web_socket) if (found := handed_over(path))]
    if not listeners:
        return
    # That this serves for two seconds is nobody's concern: the last lines of the log are to say why.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = server_of(_refusing(_as_told(error)), ADMIN_GROUPS)

    async def serve() -> None:
        asyncio.get_running_loop().call_later(seconds, setattr, server, "should_exit", True)
        await server.serve(listeners)

    asyncio.run(serve())


def _as_told(error: Exception) -> PotionsError:
    """The reason, as the error of an agent that is not there."""
    what = "The agent cannot start."
    if isinstance(error, PotionsError):
        return AgentNotStarted(what, why=f"{error.what} {error.why}".strip(), do=error.do)
    # One that nobody had thought of.
    return AgentNotStarted(
        what, why=f"{type(error).__name__}: {error}", do="Its log has more: journalctl -u potions-agent"
    )


def _refusing(error: PotionsError) -> ASGIApp:
    body = msgspec.json.encode(body_of(error))

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        kind = "http.response" if scope["type"] == ScopeType.HTTP else "websocket.http.response"
        start = {"type": f"{kind}.start", "status": error.http_status, "headers": _HEADERS}
        for message in (start, {"type": f"{kind}.body", "body": body}):
            await send(message)  # type: ignore[arg-type]

    return answer
