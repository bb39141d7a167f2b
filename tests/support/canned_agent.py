"""An agent that answers from a list: a real HTTP server on a unix socket, for tests of what talks to the agent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import msgspec

from potions.errors import PotionsError
from potions.schema import ErrorBody


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def decoded(self, kind: type[Any]) -> Any:
        return msgspec.json.decode(self.body, type=kind)


@dataclass
class Answer:
    """What one route says. ``lines`` makes it a stream; ``broken`` cuts the connection where it would end."""

    status: int = 200
    body: bytes = b""
    lines: Iterable[bytes] | None = None
    broken: bool = False
    hold: threading.Event | None = None
    """The stream stays open until this is set."""
    unread: bool = False
    """Answer without reading the request's body."""
    reads: Callable[[BinaryIO], object] | None = None
    """Takes the body from the connection as the test wants it, chunked as it comes."""
    headers: dict[str, str] = field(default_factory=dict)
    short: int = 0
    """So many bytes more are announced than come, and then the connection is cut."""


@dataclass
class CannedAgent:
    """``answers`` has a queue for each route; its last entry stays."""

    socket: Path
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)

    def says(self, method: str, path: str, value: object, status: int = 200) -> None:
        self.adds(method, path, Answer(status, msgspec.json.encode(value)))

    def refuses(self, method: str, path: str, error: PotionsError, **more: Any) -> None:
        body = ErrorBody(error.code, error.what, error.why, error.do, error.exit_status, error.retry)
        self.adds(method, path, Answer(error.http_status, msgspec.json.encode(body), **more))

    def streams(self, path: str, values: Iterable[object], **more: Any) -> None:
        lines = [msgspec.json.encode(value) + b"\n" for value in values]
        self.adds("GET", path, Answer(lines=lines, **more))

    def adds(self, method: str, path: str, answer: Answer) -> None:
        self.answers.setdefault((method, path), []).append(answer)

    def next(self, method: str, path: str) -> Answer:
        queue = self.answers.get((method, path))
        if not queue:
            body = ErrorBody("request-refused", f"The test has no answer for {method} {path}.")
            return Answer(500, msgspec.json.encode(body))
        return queue.pop(0) if len(queue) > 1 else queue[0]

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@contextmanager
def running_agent(socket: Path) -> Iterator[CannedAgent]:
    """Serve on ``socket`` until the block ends."""
    agent = CannedAgent(socket)
    socket.parent.mkdir(parents=True, exist_ok=True)
    server = _Server(str(socket), _Handler)
    server.agent = agent
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield agent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    agent: CannedAgent

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of some tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        url = urlsplit(self.path)
        answer = self.server.agent.next(self.command, url.path)
        if answer.reads is not None:
            answer.reads(self.rfile)
        body = b"" if answer.unread or answer.reads is not None else self._body()
        asked = Asked(self.command, url.path, dict(parse_qsl(url.query)), dict(self.headers), body)
        self.server.agent.asked.append(asked)
        if answer.lines is not None:
            self._stream(answer, answer.lines)
        elif answer.broken:
            self.close_connection = True
        else:
            self._plain(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _plain(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body) + answer.short))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = answer.unread or bool(answer.short)

    def _stream(self, answer: Answer, lines: Iterable[bytes]) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            self._chunk(line)
        if answer.hold is not None:
            answer.hold.wait()
        if answer.broken:
            self.close_connection = True
        else:
            self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at ``asked`` instead."""
