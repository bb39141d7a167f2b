"""What an app prints, live on request."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from potions.agent.api.handed import Asked
from potions.agent.streams import NDJSON, follow
from potions.layout import Colour
from potions.model.access import Needs


class LogController(Controller):
    """The output of the slots."""

    path = "/apps/{name:str}/logs"
    tags = ("logs",)

    @get(sync_to_thread=True, needs=Needs.VIEWER, summary="The last lines, and what comes after them")
    def output(
        self,
        service: Asked,
        name: FromPath[str],
        lines: Annotated[int, QueryParameter(ge=0, le=100_000)] = 100,
        slot: FromQuery[Colour | None] = None,
        process: FromQuery[str | None] = None,
        follow_it: Annotated[bool, QueryParameter(name="follow")] = False,
    ) -> Stream:
        reader = service.logs.open(name, slot, process, lines)

        def read() -> list[bytes]:
            return [msgspec.json.encode(line) + b"\n" for line in reader.read()]

        return Stream(follow(read, lambda: not follow_it), media_type=NDJSON)
