"""What flows between the agent and a web server, which may not wait for it in a thread: lines, uploads, downloads."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from potions.client.wire import BASE_URL, CONNECT_SECONDS, Behalf, app_path, decode, line_of, refusal, told, word, words
from potions.names import StoredPath

T = TypeVar("T")

_PATIENT = httpx.Timeout(None, connect=CONNECT_SECONDS)


class Streams:
    """A connection to one agent for what takes as long as it takes. Use it as an async context manager.

    Raises what `Wire` raises. ``path`` is a route as the other calls of the client have it: already encoded.
    """

    def __init__(self, socket: Path, behalf: Behalf | None = None) -> None:
        self._socket = socket
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), verify=False),
            base_url=BASE_URL,
            headers=behalf.headers if behalf else None,
            timeout=_PATIENT,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def lines(self, path: str, kind: type[T], **query: Any) -> AsyncIterator[T]:
        """Each line of a stream as it comes."""
        async for batch in self.batches(path, kind, **query):
            for line in batch:
                yield line

    async def batches(self, path: str, kind: type[T], **query: Any) -> AsyncIterator[list[T]]:
        """The lines of a stream as they come, those together that came together; never none."""
        decoder = msgspec.json.Decoder(kind)
        rest = b""
        async with self.download(path, **query) as answer:
            async for piece in answer.aiter_bytes():
                *whole, rest = (rest + piece).split(b"\n")
                if batch := [line_of(decoder, line, answer) for line in whole if line.strip()]:
                    yield batch

    @asynccontextmanager
    async def download(
        self, path: str, headers: dict[str, str] | None = None, **query: Any
    ) -> AsyncIterator[httpx.Response]:
        """An answer whose body is read as it comes; ``headers`` are sent along, ``Range`` for example."""
        with told(self._socket):
            async with self._http.stream("GET", path, params=words(query), headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise refusal(answer)
                yield answer

    async def send(
        self,
        method: str,
        path: str,
        kind: type[T],
        chunks: AsyncIterable[bytes],
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> T:
        """Stream a body to the agent as it comes."""
        headers = {"Content-Type": "application/octet-stream", **(headers or {})}
        with told(self._socket):
            answer = await self._http.request(method, path, params=words(query), content=chunks, headers=headers)
        return decode(answer, kind)

    @asynccontextmanager
    async def answer(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], chunks: AsyncIterable[bytes] | None
    ) -> AsyncIterator[httpx.Response]:
        """Any request as somebody else made it, and whatever the answer to it is, refusals included.

        ``target`` is a path with its query, sent byte for byte. Read the body with ``aiter_raw``.
        """
        with told(self._socket):
            request = self._http.build_request(
                method,
                "/",
                headers=headers,
                content=chunks,
                extensions={"target": target, "timeout": _PATIENT.as_dict()},
            )
            answer = await self._http.send(request, stream=True)
            try:
                yield answer
            finally:
                await answer.aclose()


def stored_route(app: str, route: str, path: StoredPath, **query: object) -> str:
    """A route below an app's storage with its query: a stored path may hold bytes that are no text."""
    more = "".join(f"&{name}={quote(word(value), safe='')}" for name, value in query.items())
    return f"{app_path(app)}/storage/{route}?path={path.encoded}{more}"
