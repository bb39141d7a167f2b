"""What lies in the storage of an app: list, look, get, put, rename, remove, measure.

Paths stand in the query, percent-encoded, so that they hold any bytes; the paths in answers are encoded already.
Streams begin only when it is certain that there is something to stream: a refusal is always an answer of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.response import Stream

from potions.agent.api.handed import AgentRequest, Asked
from potions.agent.pipes import in_thread, in_thread_to_the_end, read_all, write_all
from potions.agent.streams import NDJSON, follow
from potions.errors import RequestRefused, UploadBroken
from potions.model.access import Needs
from potions.schema import (
    ArchiveFormat,
    Existing,
    FolderPut,
    Order,
    SentFile,
    SentFolder,
    StorageSample,
    StoredEntry,
    StoredFolder,
    StoredRemoval,
)
from potions.service.measuring import Measuring
from potions.service.storage import Outgoing, Put

T = TypeVar("T")

#: More than this no single answer has; ask with an offset for the rest.
ENTRIES_MAX = 100_000
FILES = "Potions-Files"
BYTES = "Potions-Bytes"

_Path = Annotated[str, QueryParameter(description="Where, from the top of the storage; empty for the storage itself.")]
_To = Annotated[str, QueryParameter(description="The new path, from the top of the storage.")]
#: A path as `stored_path` and `stored_target` read it.
_Stored = NamedDependency[str]
_Size = Annotated[int | None, HeaderParameter(name="Content-Length", ge=0)]
_Announced = Annotated[int | None, HeaderParameter(name=BYTES, ge=0, description="The sizes of the files, together.")]


def stored_path(request: AgentRequest, path: _Path = "") -> str:  # noqa: ARG001 - see below
    """The path of the query, byte for byte: what is no UTF-8 as lone surrogates, which a parameter would have lost."""
    return _from_query(request, "path")


def stored_target(request: AgentRequest, to: _To) -> str:  # noqa: ARG001
    """The second path of the query."""
    return _from_query(request, "to")


def _from_query(request: AgentRequest, name: str) -> str:
    query = request.scope["query_string"].decode("utf-8", "surrogateescape")
    given = parse_qs(query, keep_blank_values=True, errors="surrogateescape").get(name, [""])
    if len(given) > 1:
        raise RequestRefused(f"The request does not fit the API: {name} is there more than once.")
    return given[0]


class StorageController(Controller):
    """An app's files."""

    path = "/apps/{name:str}/storage"
    tags = ("storage",)
    dependencies = {  # noqa: RUF012 - a controller declares them so
        "stored": Provide(stored_path, sync_to_thread=False),
        "target": Provide(stored_target, sync_to_thread=False),
    }

    @get(
        "/usage",
        needs=Needs.VIEWER,
        summary="What lies below a folder: lines while it is counted, the last with the result",
    )
    async def usage(
        self,
        service: Asked,
        name: FromPath[str],
        stored: _Stored,
        depth: Annotated[int, QueryParameter(ge=0, le=32)] = 1,
        top: Annotated[int, QueryParameter(ge=0, le=1000)] = 20,
    ) -> Stream:
        measuring = await in_thread(partial(service.storage.measure, name, stored, depth, top))
        return Stream(_counted(measuring), media_type=NDJSON, background=BackgroundTask(measuring.stop))

    @get(
        "/history",
        sync_to_thread=True,
        needs=Needs.VIEWER,
        summary="What it held in the last days, the oldest first; nothing is measured",
    )
    def history(
        self, service: Asked, name: FromPath[str], days: Annotated[int, QueryParameter(ge=1, le=731)] = 30
    ) -> list[StorageSample]:
        return service.storage.history(name, days)

    @get("/entries", needs=Needs.VIEWER, summary="A folder's entries, or a part of them")
    async def entries(
        self,
        service: Asked,
        name: FromPath[str],
        stored: _Stored,
        order: FromQuery[Order] = Order.NAME,
        offset: Annotated[int, QueryParameter(ge=0, le=2**53)] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=ENTRIES_MAX)] = 1000,
    ) -> StoredFolder:
        return await in_thread(partial(service.storage.folder, name, stored, order, offset, limit))

    @get("/entry", needs=Needs.VIEWER, summary="One file, folder or link")
    async def entry(self, service: Asked, name: FromPath[str], stored: _Stored) -> StoredEntry:
        return await in_thread(partial(service.storage.entry, name, stored))

    @delete(
        "/entry",
        status_code=200,
        needs=Needs.DEPLOYER,
        act="remove stored",
        summary="Remove a file, a link or a folder, for good",
    )
    async def remove(
        self, service: Asked, name: FromPath[str], stored: _Stored, recursive: FromQuery[bool] = False
    ) -> StoredRemoval:
        return await in_thread(partial(service.storage.remove, name, stored, recursive=recursive))

    @post("/folders", needs=Needs.DEPLOYER, act="make folder", summary="Make a folder, with those on the way to it")
    async def make_folder(self, service: Asked, name: FromPath[str], stored: _Stored) -> StoredEntry:
        return await in_thread(partial(service.storage.make_folder, name, stored))

    @post(
        "/move",
        status_code=200,
        needs=Needs.DEPLOYER,
        act="move stored",
        summary="Give a file, a folder or a link another name or place; replaces nothing",
    )
    async def move(self, service: Asked, name: FromPath[str], stored: _Stored, target: _Stored) -> StoredEntry:
        return await in_thread(partial(service.storage.move, name, stored, target))

    @get(
        "/file",
        media_type="application/octet-stream",
        needs=Needs.DEPLOYER,
        act="get file",
        summary="A file, or the part of it that Range names",
    )
    async def get_file(
        self,
        service: Asked,
        name: FromPath[str],
        stored: _Stored,
        wanted: Annotated[str | None, HeaderParameter(name="Range")] = None,
        tag: Annotated[str | None, HeaderParameter(name="If-Range")] = None,
    ) -> Stream:
        outgoing = await in_thread(partial(service.storage.get_file, name, stored, wanted, tag))
        status = 206 if outgoing.head.part else 200
        return _streamed(outgoing, "application/octet-stream", _file_headers(outgoing.head), status)

    @put(
        "/file",
        request_max_body_size=None,
        needs=Needs.DEPLOYER,
        act="put file",
        summary="Put a file: its bytes are the body",
    )
    async def put_file(
        self,
        request: AgentRequest,
        service: Asked,
        name: FromPath[str],
        stored: _Stored,
        replace: FromQuery[bool] = False,
        executable: FromQuery[bool] = False,
        size: _Size = None,
    ) -> StoredEntry:
        begin = partial(service.storage.put_file, name, stored, size, replace=replace, executable=executable)
        return await _receive(request.stream(), await in_thread(begin))

    @get(
        "/archive",
        needs=Needs.DEPLOYER,
        act="get folder",
        summary="A folder with all that is in it, as a tar or a zip",
    )
    async def get_folder(
        self,
        service: Asked,
        name: FromPath[str],
        stored: _Stored,
        form: Annotated[ArchiveFormat, QueryParameter(name="format")] = ArchiveFormat.TAR,
    ) -> Stream:
        outgoing = await in_thread(partial(service.storage.get_folder, name, stored, form))
        kind = "application/x-tar" if form is ArchiveFormat.TAR else "application/zip"
        return _streamed(outgoing, kind, _folder_headers(outgoing.head))

    @put(
        "/archive",
        request_max_body_size=None,
        needs=Needs.DEPLOYER,
        act="put folder",
        summary="Put a folder: a tar of what is in it is the body",
    )
    async def put_folder(
        self,
        request: AgentRequest,
        service: Asked,
        name: FromPath[str],
        stored: _Stored,
        existing: FromQuery[Existing] = Existing.REFUSE,
        announced: _Announced = None,
    ) -> FolderPut:
        begin = partial(service.storage.put_folder, name, stored, announced, existing)
        return await _receive(request.stream(), await in_thread(begin))


async def _counted(measuring: Measuring) -> AsyncIterator[bytes]:
    def read() -> list[bytes]:
        return [msgspec.json.encode(line) + b"\n" for line in measuring.read()]

    try:
        async for lines in follow(read, measuring.is_over):
            yield lines
    finally:
        measuring.stop()


def _file_headers(head: SentFile) -> dict[str, str]:
    headers = {"Content-Length": str(head.length), "Accept-Ranges": "bytes", "ETag": f'"{head.tag}"'}
    if head.part:
        headers["Content-Range"] = f"bytes {head.first}-{head.first + head.length - 1}/{head.entry.bytes}"
    return headers


def _folder_headers(head: SentFolder) -> dict[str, str]:
    return {FILES: str(head.files), BYTES: str(head.bytes)}


def _streamed(
    outgoing: Outgoing[SentFile] | Outgoing[SentFolder], kind: str, headers: dict[str, str], status: int = 200
) -> Stream:
    """What comes, until it ends or the client goes away; in both cases nothing runs on."""
    end = BackgroundTask(_close, outgoing)
    return Stream(_sent(outgoing), media_type=kind, headers=headers, status_code=status, background=end)


async def _sent(outgoing: Outgoing[SentFile] | Outgoing[SentFolder]) -> AsyncIterator[bytes]:
    try:
        async for data in read_all(outgoing.descriptor):
            yield data
        # What broke off in the middle must not look whole: raising here breaks the connection.
        await in_thread(outgoing.finish)
    finally:
        await _close(outgoing)


async def _close(outgoing: Outgoing[SentFile] | Outgoing[SentFolder]) -> None:
    await in_thread_to_the_end(outgoing.close)


async def _receive(chunks: AsyncIterator[bytes], incoming: Put[T]) -> T:
    """Hand on what comes; nothing of it is kept unless all of it came."""
    try:
        await _hand_on(chunks, incoming)
        return await in_thread_to_the_end(incoming.finish)
    finally:
        await in_thread_to_the_end(incoming.discard)


async def _hand_on(chunks: AsyncIterator[bytes], incoming: Put[T]) -> None:
    try:
        async for chunk in chunks:
            if chunk:
                await write_all(incoming.descriptor, incoming.frame(chunk))
        await write_all(incoming.descriptor, incoming.last)
    except BrokenPipeError:
        # The child has ended, and will say why.
        return
    except HTTPException as error:
        raise UploadBroken("Whoever sent it went away in the middle.", do="Nothing was kept.") from error
