"""A terminal between the agent and a web server: what is said in both directions is handed on as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import anyio
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from potions.client.terminal_opening import OPTIONS, refusals_told, terminal_route
from potions.client.wire import Behalf


class Side(Protocol):
    """Whoever has the terminal in front of them."""

    async def receive(self) -> str | bytes | None:
        """What they say next; None once they are gone."""

    async def send(self, data: str | bytes) -> None: ...


class TerminalStream:
    """The agent's side of a terminal."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def hand_on(self, side: Side) -> bool:
        """Hand on what both say, until one of them ends. True where the agent did, and said so."""
        ended_in_order = False

        async def to_side() -> None:
            nonlocal ended_in_order
            try:
                async for data in self._connection:
                    await side.send(data)
                ended_in_order = True
            except ConnectionClosed:
                pass
            tasks.cancel_scope.cancel()

        async def to_agent() -> None:
            try:
                while (said := await side.receive()) is not None:
                    await self._connection.send(said)
            except ConnectionClosed:
                return
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_side)
            tasks.start_soon(to_agent)
        return ended_in_order


@asynccontextmanager
async def open_terminal_stream(socket: Path, behalf: Behalf, app: str) -> AsyncIterator[TerminalStream]:
    """Connect on somebody's behalf. Raises AgentUnreachable, NotAllowed, AgentLost and what the agent refuses with."""
    connecting = unix_connect(str(socket), terminal_route(app), additional_headers=behalf.headers, **OPTIONS)
    with refusals_told(socket):
        connection = await connecting.__aenter__()
    try:
        yield TerminalStream(connection)
    finally:
        await connection.close()
