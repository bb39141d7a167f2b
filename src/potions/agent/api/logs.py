"""What an app prints, live on request."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import Parameter
from litestar.response import Stream

from potions.agent.streams import NDJSON, follow
from potions.layout import Colour
from potions.service import Service


class LogController(Controller):
    """The output of the slots."""

    path = "/apps/{name:str}/logs"
    tags = ("logs",)

    @get(sync_to_thread=True, summary="The last lines, and what comes after them")
    def output(
        self,
        service: Service,
        name: str,
        lines: Annotated[int, Parameter(ge=0, le=100_000)] = 100,
        slot: Colour | None = None,
        process: str | None = None,
        follow_it: Annotated[bool, Parameter(query="follow")] = False,
    ) -> Stream:
        reader = service.logs.open(name, slot, process, lines)

        def read() -> list[bytes]:
            return [msgspec.json.encode(line) + b"\n" for line in reader.read()]

        return Stream(follow(read, lambda: not follow_it), media_type=NDJSON)
