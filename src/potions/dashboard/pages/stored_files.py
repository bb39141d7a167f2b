"""The bytes of stored files: to the browser and from it, streamed; and pictures drawn anew of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from litestar import Controller, Response, get, put
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from potions.client import stored_route
from potions.dashboard.downloads import STORED_HEADERS, hand_on, name_of, part_asked_for
from potions.dashboard.pictures import TURNS, draw, refuse_large_file
from potions.dashboard.stored_place import Stored, provide_stored
from potions.dashboard.visit import BrowserRequest, Visited
from potions.errors import PotionsError, StoredUnknown, UploadBroken
from potions.schema import ArchiveFormat, ErrorBody, StoredEntry

_JSON = "application/json"


class StoredFilePages(Controller):
    """What flows to and from a storage."""

    path = "/apps/{name:str}/storage"
    dependencies = {"stored": Provide(provide_stored, sync_to_thread=False)}  # noqa: RUF012 - a controller declares them so

    @get("/file")
    async def file(self, request: BrowserRequest, visit: Visited, name: FromPath[str], stored: Stored) -> Stream:
        """A file, or the part of it that a download goes on with."""
        part = part_asked_for(dict(request.headers))
        return await hand_on(visit.streams(), stored_route(name, "file", stored), name_of(name, stored), part)

    @get("/archive")
    async def archive(
        self, visit: Visited, name: FromPath[str], stored: Stored, form: FromQuery[ArchiveFormat] = ArchiveFormat.ZIP
    ) -> Stream:
        """A folder with all that is in it."""
        route = stored_route(name, "archive", stored, format=form.value)
        return await hand_on(visit.streams(), route, name_of(name, stored))

    @get("/picture")
    async def picture(
        self, request: BrowserRequest, visit: Visited, name: FromPath[str], stored: Stored
    ) -> Response[bytes]:
        """A picture drawn anew. Whoever asks for JSON is told in it why there is none."""
        try:
            return await _picture(visit, stored_route(name, "file", stored), request.headers.get("If-None-Match"))
        except PotionsError as problem:
            if request.headers.get("Accept") == _JSON:
                return _told(problem)
            raise

    @get("/entry", sync_to_thread=True)
    def entry(self, visit: Visited, name: FromPath[str], stored: Stored) -> Response[bytes]:
        """What is there, or null: for a script that is about to send something."""
        try:
            return _answer(visit.agent.stored(name, "/".join(stored.parts)))
        except StoredUnknown:
            return _answer(None)
        except PotionsError as problem:
            return _told(problem)

    @put("/file", request_max_body_size=None)
    async def upload(
        self,
        request: BrowserRequest,
        visit: Visited,
        name: FromPath[str],
        stored: Stored,
        replace: FromQuery[bool] = False,
    ) -> Response[bytes]:
        """Put a file: its bytes are the body, and go on to the agent as they come."""
        size = request.headers.get("Content-Length")
        headers = {} if size is None else {"Content-Length": size}
        route = stored_route(name, "file", stored, replace=replace)
        try:
            async with visit.streams() as agent:
                return _answer(await agent.send("PUT", route, StoredEntry, _body(request), headers))
        except PotionsError as problem:
            return _told(problem)


async def _picture(visit: Visited, route: str, known: str | None) -> Response[bytes]:
    async with TURNS, visit.streams() as agent, agent.download(route) as answer:
        tag = _tag_of_picture(answer.headers["ETag"])
        headers = {**STORED_HEADERS, "ETag": tag}
        if known == tag:
            return Response(content=b"", status_code=304, headers=headers)
        refuse_large_file(int(answer.headers["Content-Length"]))
        drawn = await draw(answer.aiter_raw())
    return Response(content=drawn, media_type="image/webp", headers=headers)


def _tag_of_picture(tag: str) -> str:
    """Another one than the file's: what is drawn of it has other bytes."""
    return f'{tag[:-1]}-drawn"'


async def _body(request: BrowserRequest) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except HTTPException as error:
        raise UploadBroken("Whoever sent it went away in the middle.", do="Nothing was kept.") from error


def _answer(value: msgspec.Struct | None, status: int = 200) -> Response[bytes]:
    headers = {"Cache-Control": "no-store"}
    return Response(content=msgspec.json.encode(value), status_code=status, media_type=_JSON, headers=headers)


def _told(problem: PotionsError) -> Response[bytes]:
    body = ErrorBody(problem.code, problem.what, problem.why, problem.do, problem.exit_status, problem.retry)
    return _answer(body, problem.http_status)
