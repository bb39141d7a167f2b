"""What the behave app answers: every route, and the WebSocket that ticks and echoes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from wire import CLOSE, GOING_AWAY, PING, PONG, TEXT, Reply, Request, close_frame, frame, read_frame

CLOSE_REPLY_SECONDS = 5


class App:
    """What every route may know: who this process is, and whether it is about to end."""

    def __init__(self, version: str, port: int) -> None:
        self.version = version
        self.port = port
        self.child = 0
        self.slot = os.environ.get("POTIONS_SLOT", "")
        self.stopping = asyncio.Event()

    def identity(self) -> dict[str, Any]:
        """The body of ``/``."""
        return {
            "version": self.version,
            "slot": self.slot,
            "pid": os.getpid(),
            "port": self.port,
            "child": self.child,
        }


Route = Callable[[App, Request, Reply], Awaitable[None]]


async def _json(reply: Reply, content: object, status: int = 200) -> None:
    await reply.whole(status, json.dumps(content).encode() + b"\n")


async def identity(app: App, _request: Request, reply: Reply) -> None:
    """GET /: who answers, as JSON: version, slot, pid, port, child."""
    await _json(reply, app.identity())


async def environment(_app: App, _request: Request, reply: Reply) -> None:
    """GET /env: the whole environment as JSON; values in base64, so that any bytes survive."""
    pairs = os.environb.items()
    await _json(reply, {os.fsdecode(name): base64.b64encode(value).decode() for name, value in pairs})


async def asked(_app: App, request: Request, reply: Reply) -> None:
    """GET /headers: what the request said, as JSON; names in lower case."""
    await _json(reply, request.headers)


async def working_directory(_app: App, _request: Request, reply: Reply) -> None:
    """GET /cwd: where the app was started, as text."""
    await reply.whole(200, os.fsencode(Path.cwd()), "text/plain")


async def slow(app: App, request: Request, reply: Reply) -> None:
    """GET /slow?seconds=5: like /, but late."""
    await asyncio.sleep(float(request.query.get("seconds", 5)))
    await _json(reply, app.identity())


async def _ticks(app: App, request: Request, shape: str) -> AsyncIterator[bytes]:
    every = float(request.query.get("every", 0.1))
    for number in range(int(request.query.get("chunks", 20))):
        if number:
            await asyncio.sleep(every)
        yield shape.format(number=number, version=app.version).encode()


async def chunked(app: App, request: Request, reply: Reply) -> None:
    """GET /chunked?chunks=20&every=0.1: lines ``NUMBER VERSION``, one a chunk."""
    await reply.pieces(_ticks(app, request, "{number} {version}\n"), "text/plain")


async def events(app: App, request: Request, reply: Reply) -> None:
    """GET /sse?chunks=20&every=0.1: server-sent events, then the end."""
    await reply.pieces(_ticks(app, request, "id: {number}\ndata: {number} {version}\n\n"), "text/event-stream")


async def upload(app: App, request: Request, reply: Reply) -> None:
    """POST /upload: the number of bytes of a body that may come slowly."""
    count = 0
    async for piece in request.body():
        count += len(piece)
    await _json(reply, {"bytes": count, "version": app.version})


async def put_file(_app: App, request: Request, reply: Reply) -> None:
    """PUT /file?path=…: write the body there; a relative path starts at the working directory."""
    path = Path(request.query["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("wb") as target:
        async for piece in request.body():
            count += target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    await _json(reply, {"bytes": count}, 201)


async def get_file(_app: App, request: Request, reply: Reply) -> None:
    """GET /file?path=…: its content."""
    await reply.whole(200, Path(request.query["path"]).read_bytes(), "application/octet-stream")


async def file_status(_app: App, request: Request, reply: Reply) -> None:
    """GET /stat?path=…: dev, ino, uid, gid, mode (a number), size and link (its target, or null)."""
    path = Path(request.query["path"])
    seen = path.stat()
    content = {name: getattr(seen, f"st_{name}") for name in ("dev", "ino", "uid", "gid", "size")}
    link = str(path.readlink()) if path.is_symlink() else None
    await _json(reply, {**content, "mode": stat.S_IMODE(seen.st_mode), "link": link})


async def listing(_app: App, request: Request, reply: Reply) -> None:
    """GET /ls?path=…: the sorted names in a directory."""
    await _json(reply, sorted(os.listdir(request.query.get("path", "."))))


async def health(_app: App, _request: Request, reply: Reply) -> None:
    """GET of the health path: ``ok``."""
    await reply.whole(200, b"ok\n", "text/plain")


async def websocket(app: App, request: Request, reply: Reply) -> None:
    """GET /ws?every=0.1: sends ``tick NUMBER VERSION``, echoes every message; on SIGTERM it closes with 1001."""
    if not request.is_websocket:
        await reply.whole(426, b"speak WebSocket here\n", "text/plain", Upgrade="websocket")
        return
    await reply.switch_to_websocket()
    talkers = {asyncio.create_task(_tick(app, request)), asyncio.create_task(_say_goodbye(app, request))}
    try:
        await _echo(app, request)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client is gone without a word, which is its right
    finally:
        for talker in talkers:
            talker.cancel()


async def _tick(app: App, request: Request) -> None:
    every = float(request.query.get("every", 0.1))
    number = 0
    while not app.stopping.is_set():
        request.writer.write(frame(0x80 | TEXT, f"tick {number} {app.version}".encode()))
        await request.writer.drain()
        await asyncio.sleep(every)
        number += 1


async def _say_goodbye(app: App, request: Request) -> None:
    await app.stopping.wait()
    request.writer.write(close_frame(GOING_AWAY, "going away"))
    await request.writer.drain()
    await asyncio.sleep(CLOSE_REPLY_SECONDS)
    request.writer.close()


async def _echo(app: App, request: Request) -> None:
    while True:
        first, payload = await read_frame(request.reader)
        if first & 0xF == CLOSE:
            if not app.stopping.is_set():  # else this is the reply to the close frame sent already
                request.writer.write(frame(0x80 | CLOSE, payload[:2]))
            return
        if first & 0xF == PING:
            request.writer.write(frame(0x80 | PONG, payload))
        elif first & 0xF != PONG:
            request.writer.write(frame(first, payload))
        await request.writer.drain()


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/"): identity,
    ("GET", "/env"): environment,
    ("GET", "/headers"): asked,
    ("GET", "/cwd"): working_directory,
    ("GET", "/slow"): slow,
    ("GET", "/chunked"): chunked,
    ("GET", "/sse"): events,
    ("POST", "/upload"): upload,
    ("PUT", "/file"): put_file,
    ("GET", "/file"): get_file,
    ("GET", "/stat"): file_status,
    ("GET", "/ls"): listing,
    ("GET", "/ws"): websocket,
}


async def missing(_app: App, request: Request, reply: Reply) -> None:
    """Every other path: 404."""
    await reply.whole(404, f"nothing at {request.path}\n".encode(), "text/plain; charset=utf-8")
