"""The Logs tab: what an app prints, live, searched, and as a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated
from urllib.parse import urlencode

import anyio
import msgspec
from litestar import Controller, get
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.response import Stream, Template

from potions.client import Streams, app_path
from potions.dashboard.downloads import hand_on
from potions.dashboard.log_view import log_query, shown_line
from potions.dashboard.visit import Visited
from potions.errors import PotionsError, RequestRefused
from potions.names import parse_app_name
from potions.schema import Colour, LogLine, SlotDetail

#: Lines of each process that a page begins with.
_LINES = 200
#: Lines of each process that come where nothing says which were seen.
_LINES_ANEW = 1000
#: Seconds after which something is sent where an app prints nothing: a browser that went away is noticed then.
_HEARTBEAT = 15.0
#: Lines on a page at most: so many as its script keeps, too.
_LINES_MAX = 5000

_Contains = Annotated[str, QueryParameter(max_length=1000)]
_Slot = FromQuery[Colour | None]


class LogPages(Controller):
    """What one app prints."""

    path = "/apps/{name:str}/logs"

    @get(sync_to_thread=True)
    def show(
        self,
        visit: Visited,
        name: FromPath[str],
        slot: Annotated[str, QueryParameter(pattern="^(blue|green|)$")] = "",
        process: FromQuery[str] = "",
        contains: _Contains = "",
    ) -> Template:
        colour = Colour(slot) if slot else None
        app = visit.agent.app(name)
        problem = None
        lines: list[LogLine] = []
        try:
            asked = visit.agent.logs(name, lines=_LINES, slot=colour, process=process or None, contains=contains)
            lines = list(asked)
        except PotionsError as refused:
            problem = refused
        last = lines[-_LINES_MAX:]
        return visit.tab(
            "logs",
            name,
            "app/logs.html",
            problem=problem,
            lines=[shown_line(line) for line in last],
            after=last[-1].cursor if last else "",
            slot=colour,
            process=process,
            processes=_processes(app.slots),
            contains=contains,
            query=urlencode(log_query(colour, process, contains)),
            file_query=urlencode(log_query(colour or app.summary.live, process or "web", "")),
        )

    @get("/file")
    async def file(
        self, visit: Visited, name: FromPath[str], slot: _Slot = None, process: FromQuery[str] = "web"
    ) -> Stream:
        """All that is kept of what one process printed."""
        route = f"{app_path(name)}/logs/file?{urlencode(log_query(slot, process, ''))}"
        return await hand_on(visit.streams(), route, "-".join(filter(None, (name, slot, process))) + ".log")

    @get("/live")
    async def live(
        self,
        visit: Visited,
        name: FromPath[str],
        slot: _Slot = None,
        process: FromQuery[str] = "",
        contains: _Contains = "",
        after: FromQuery[str] = "",
        last_seen: Annotated[str, HeaderParameter(name="Last-Event-ID")] = "",
    ) -> Stream:
        """Server-sent events: several lines each, with the cursor of the last as its id."""
        app = parse_app_name(name)
        query = log_query(slot, process, contains)
        events = _events(visit.streams(), app, query, last_seen or after)
        headers = {"Cache-Control": "no-store"}
        return Stream(events, media_type="text/event-stream", headers=headers, background=BackgroundTask(events.aclose))


def _processes(slots: Sequence[SlotDetail]) -> list[str]:
    workers = {worker.name for slot in slots for worker in slot.workers}
    return ["web", *sorted(workers)]


# Live


async def _events(agent: Streams, app: str, query: dict[str, str], after: str) -> AsyncGenerator[bytes]:
    """What comes behind the line with the cursor ``after``, and in the end what keeps more from coming."""
    try:
        async with agent, aclosing(_beating(_from(agent, app, query, after))) as events:
            async for event in events:
                yield event
    except PotionsError as problem:
        yield b"event: problem\ndata: " + msgspec.json.encode(problem.what) + b"\n\n"


async def _from(agent: Streams, app: str, query: dict[str, str], after: str) -> AsyncGenerator[bytes]:
    """The lines. After a cursor that fits nothing they begin anew, and that is told."""
    try:
        async with aclosing(_lines(agent, app, query, after)) as events:
            async for event in events:
                yield event
    except RequestRefused:
        if not after:
            raise
        yield b"event: anew\ndata: {}\n\n"
        async with aclosing(_lines(agent, app, query, "")) as events:
            async for event in events:
                yield event


async def _lines(agent: Streams, app: str, query: dict[str, str], after: str) -> AsyncGenerator[bytes]:
    """An event for each piece that the agent sends, with all whole lines in it."""
    asked = {**query, "follow": "true", **({"after": after} if after else {"lines": str(_LINES_ANEW)})}
    decoder = msgspec.json.Decoder(LogLine)
    rest = b""
    async with agent.download(f"{app_path(app)}/logs?{urlencode(asked)}") as answer:
        async for piece in answer.aiter_bytes():
            *whole, rest = (rest + piece).split(b"\n")
            if lines := [decoder.decode(line) for line in whole if line.strip()]:
                yield _event(lines)


def _event(lines: list[LogLine]) -> bytes:
    data = msgspec.json.encode([shown_line(line) for line in lines])
    identity = next((line.cursor for line in reversed(lines) if line.cursor), "")
    # JSON has no line feeds of its own, and a cursor is base64: neither can begin another field.
    return (b"id: " + identity.encode() + b"\n" if identity else b"") + b"data: " + data + b"\n\n"


async def _beating(events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The events, and a comment whenever none came for a while. Ends what it waits for when it is ended."""
    pending: asyncio.Future[bytes] | None = None
    try:
        yield b": begun\n\n"
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({pending}, timeout=_HEARTBEAT)
            if not done:
                yield b": still there\n\n"
                continue
            try:
                event = pending.result()
            except StopAsyncIteration:
                return
            pending = None
            yield event
    finally:
        with anyio.CancelScope(shield=True):
            await _end(pending, events)


async def _end(pending: asyncio.Future[bytes] | None, events: AsyncGenerator[bytes]) -> None:
    if pending is not None and not pending.done():
        pending.cancel()
        await asyncio.wait({pending})
    await events.aclose()
