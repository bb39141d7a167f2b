"""HTTP/1.1 and WebSocket as bytes, seen from the server: as much of them as the behave app needs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

CHUNK = 64 * 1024
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
GOING_AWAY = 1001
_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_BODY = (101, 204, 304)


class Request:
    """One request: its head is read, its body comes as it is asked for."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, target, self.protocol = first.split(" ")
        parts = urlsplit(target)
        self.target = target
        self.path = unquote(parts.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        pairs = (line.partition(":") for line in lines if line)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.reader = reader
        self.writer = writer
        self._body_read = False

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to ask again on this connection."""
        return self.protocol == "HTTP/1.1" and "close" not in self.headers.get("connection", "").lower()

    @property
    def is_websocket(self) -> bool:
        """Whether the client asks to speak WebSocket from here on."""
        return self.headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in self.headers

    async def body(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they arrive. Raises ``IncompleteReadError`` if the client goes away before its end."""
        self._body_read = True
        if self.headers.get("expect", "").lower() == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        pieces = self._chunked() if chunked else self._exactly(int(self.headers.get("content-length", 0)))
        async for piece in pieces:
            yield piece

    async def skip_body(self) -> None:
        """Read past a body that nobody asked for, so that the next request begins where it should."""
        if not self._body_read:
            async for _ in self.body():
                pass

    async def _exactly(self, length: int) -> AsyncIterator[bytes]:
        while length:
            piece = await self.reader.read(min(length, CHUNK))
            if not piece:
                raise asyncio.IncompleteReadError(b"", length)
            length -= len(piece)
            yield piece

    async def _chunked(self) -> AsyncIterator[bytes]:
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            async for piece in self._exactly(size):
                yield piece
            await self.reader.readexactly(2)
        while await self.reader.readuntil(b"\r\n") != b"\r\n":
            pass


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection; None at its end, wherever the client left off, and for an endless head."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return None
    return Request(head[:-4], reader, writer)


class Reply:
    """The answer to one request, sent whole or in chunks; ``headers`` go into every answer."""

    def __init__(self, request: Request, headers: Mapping[str, str], *, close: bool) -> None:
        self._request = request
        self._headers = dict(headers)
        if close:
            self._headers["Connection"] = "close"

    async def whole(self, status: int, body: bytes, kind: str = "application/json", **more: str) -> None:
        """Send a complete answer with its length."""
        headers = {"Content-Type": kind, **more}
        if status not in _NO_BODY:
            headers["Content-Length"] = str(len(body))
        self._head(status, headers)
        await self._write(b"" if self._request.method == "HEAD" else body)

    async def pieces(self, pieces: AsyncIterator[bytes], kind: str) -> None:
        """Send each piece as a chunk of its own, as soon as it is there."""
        self._head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked", "Cache-Control": "no-store"})
        async for piece in pieces:
            await self._write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await self._write(b"0\r\n\r\n")

    async def switch_to_websocket(self) -> None:
        """Accept the upgrade; after this the connection carries frames."""
        key = self._request.headers["sec-websocket-key"].encode("latin-1")
        accept = base64.b64encode(hashlib.sha1(key + _KEY_SUFFIX, usedforsecurity=False).digest()).decode()
        self._headers.pop("Connection", None)
        self._head(101, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept})
        await self._write(b"")

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in {**headers, **self._headers}.items()]
        self._request.writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def _write(self, data: bytes) -> None:
        self._request.writer.write(data)
        await self._request.writer.drain()


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next frame: its first byte (FIN and opcode) and its unmasked payload."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
    mask = await reader.readexactly(4) if second & 0x80 else b"\0\0\0\0"
    payload = await reader.readexactly(length)
    return first, bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))


def frame(first: int, payload: bytes) -> bytes:
    """An unmasked frame, as a server sends it."""
    if len(payload) < 126:
        return struct.pack("!BB", first, len(payload)) + payload
    if len(payload) < 1 << 16:
        return struct.pack("!BBH", first, 126, len(payload)) + payload
    return struct.pack("!BBQ", first, 127, len(payload)) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """The frame that ends a WebSocket and says why."""
    return frame(0x80 | CLOSE, struct.pack("!H", code) + reason.encode())
