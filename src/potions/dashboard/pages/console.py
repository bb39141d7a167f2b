"""The Console tab: a terminal in the browser, for owners."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from litestar import Controller, WebSocket, get, websocket
from litestar.exceptions import PermissionDeniedException, WebSocketException
from litestar.params import FromPath
from litestar.response import Template
from uvicorn.protocols.utils import ClientDisconnected

from potions.client.terminal import failed_message
from potions.client.terminal_stream import open_terminal_stream
from potions.dashboard.guarding import policy_with_nonce
from potions.dashboard.place import Place
from potions.dashboard.visit import Visited, behalf_of
from potions.errors import AgentLost, PotionsError
from potions.schema import Role

Socket = WebSocket[Any, Any, Any]


class ConsolePages(Controller):
    """A console of one app, or a command in it."""

    path = "/apps/{name:str}/console"

    @get(sync_to_thread=True, needs=Role.OWNER)
    def show(self, visit: Visited, name: FromPath[str]) -> Template:
        app = visit.agent.app(name)
        nonce = secrets.token_urlsafe(16)
        page = visit.tab("console", name, "app/console.html", app=app, nonce=nonce)
        # The terminal makes styles of its own, for its colours. On this page alone, and only those with the nonce.
        page.headers["Content-Security-Policy"] = policy_with_nonce(nonce)
        return page

    @websocket("/socket")
    async def socket(self, socket: Socket, name: FromPath[str]) -> None:
        """What the browser says goes to the agent, with the credential in its cookie, and back. The agent decides."""
        place: Place = socket.app.state.place
        if socket.headers.get("Origin") != place.address:
            # Any page may open a socket here, and the browser sends the cookie along: only this tells them apart.
            raise PermissionDeniedException("Another page asks.")
        await socket.accept()
        browser = _Browser(socket)
        try:
            async with open_terminal_stream(place.agent, behalf_of(socket, place), name) as stream:
                if not await stream.hand_on(browser) and not browser.is_gone:
                    raise AgentLost("Potions was stopped, and the program with it.")
        except PotionsError as error:
            await browser.send(msgspec.json.encode(failed_message(error)).decode())
        if not browser.is_gone:
            await socket.close()


class _Browser:
    """Whoever sits in front of the page."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.is_gone = False

    async def receive(self) -> str | bytes | None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self.is_gone = True
            return None
        text, data = message.get("text"), message.get("bytes")
        if isinstance(text, str):
            return text
        return data if isinstance(data, bytes) else b""

    async def send(self, data: str | bytes) -> None:
        try:
            if isinstance(data, str):
                await self._socket.send_text(data)
            else:
                await self._socket.send_bytes(data)
        except (WebSocketException, ClientDisconnected):
            # What it would have received next says so.
            self.is_gone = True
