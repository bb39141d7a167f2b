"""What an app prints, live on request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from potions.agent.api.handed import Asked
from potions.agent.pipes import in_thread
from potions.agent.streams import NDJSON, follow
from potions.layout import Colour
from potions.model.access import Needs
from potions.service.logs import LogFile, LogReader


class LogController(Controller):
    """The output of the slots."""

    path = "/apps/{name:str}/logs"
    tags = ("logs",)

    @get(needs=Needs.VIEWER, summary="The last lines, and what comes after them")
    async def output(
        self,
        service: Asked,
        name: FromPath[str],
        lines: Annotated[int, QueryParameter(ge=0, le=100_000)] = 100,
        slot: FromQuery[Colour | None] = None,
        process: FromQuery[str | None] = None,
        follow_it: Annotated[bool, QueryParameter(name="follow")] = False,
        after: Annotated[str | None, QueryParameter(description="A line's cursor: begin behind it.")] = None,
        contains: Annotated[str, QueryParameter(max_length=1000, description="Only lines with this text.")] = "",
    ) -> Stream:
        opened = partial(service.logs.open, name, slot, process, lines, after, contains, follow=follow_it)
        reader = await in_thread(opened)
        return Stream(_lines(reader, follow_it), media_type=NDJSON, background=BackgroundTask(reader.close))

    @get(
        "/file",
        media_type="text/plain",
        needs=Needs.VIEWER,
        summary="All that is kept of what one process printed, as a file",
    )
    async def file(
        self,
        service: Asked,
        name: FromPath[str],
        slot: FromQuery[Colour | None] = None,
        process: FromQuery[str] = "web",
    ) -> Stream:
        log = await in_thread(partial(service.logs.file, name, slot, process))
        headers = {
            "Content-Disposition": f'attachment; filename="{log.name}"',
            "X-Content-Type-Options": "nosniff",
        }
        if log.size is not None:
            headers["Content-Length"] = str(log.size)
        end = BackgroundTask(log.close)
        return Stream(_sent(log), media_type="text/plain; charset=utf-8", headers=headers, background=end)


async def _lines(reader: LogReader, follow_it: bool) -> AsyncIterator[bytes]:
    def read() -> list[bytes]:
        return [msgspec.json.encode(line) + b"\n" for line in reader.read()]

    try:
        async for lines in follow(read, lambda: not follow_it and reader.is_at_end(), reader.fileno):
            yield lines
    finally:
        reader.close()


async def _sent(log: LogFile) -> AsyncIterator[bytes]:
    pieces = log.pieces()
    try:
        while (piece := await in_thread(lambda: next(pieces, None))) is not None:
            yield piece
    finally:
        log.close()
