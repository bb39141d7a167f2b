"""Who is at the other end of the agent's socket: asked of the kernel, over a real socket."""

from __future__ import annotations

import logging
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from litestar import Litestar, Request, WebSocket, get, websocket
from websockets.sync.client import unix_connect

from potions.agent import app as agent_app
from potions.agent.access import system_user
from potions.agent.api.apps import caller
from potions.agent.peer import PeerProtocol, PeerWebSocket, peer_uid, user_name
from support.platform import wait_for

NOBODY = 65534
PLAIN = b"GET /who HTTP/1.1\r\nHost: potions\r\n\r\n"
UPGRADE = (
    b"GET /who HTTP/1.1\r\nHost: potions\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@get("/who", sync_to_thread=False)
def who(request: Request) -> dict[str, str]:  # type: ignore[type-arg]
    return {"caller": caller(request)}


@websocket("/who")
async def who_talks(socket: WebSocket) -> None:  # type: ignore[type-arg]
    await socket.accept()
    await socket.send_text(system_user(socket))
    await socket.close()


@pytest.fixture
def path() -> Iterator[Path]:
    """A socket's place that everybody can reach, as somebody might make it."""
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "agent.sock"


@pytest.fixture
def served(path: Path) -> Iterator[Path]:
    """An application behind the agent's own protocol, on a real unix socket."""
    config = uvicorn.Config(
        Litestar([who, who_talks]),
        http=PeerProtocol,
        ws=PeerWebSocket,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    listener = agent_app.listen_privately(path)
    running = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    running.start()
    wait_for(lambda: server.started, "it serves")
    yield path
    server.should_exit = True
    running.join()
    listener.close()


def ask(path: Path) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        return client.get("http://potions/who")


def test_both_ends_of_a_pair_are_known() -> None:
    """By the user id that the kernel has for them."""
    one, other = socket.socketpair()
    with one, other:
        assert peer_uid(one) == peer_uid(other) == os.geteuid()


def test_a_user_is_told_by_name() -> None:
    """And by number where it has no name."""
    assert user_name(0) == "root"
    assert user_name(4_000_000_001) == "4000000001"


def test_a_caller_is_known_by_name(served: Path) -> None:
    """What it claims to be in a header does not count."""
    assert ask(served).json() == {"caller": user_name(os.geteuid())}


def test_a_caller_is_known_over_a_websocket_too(served: Path) -> None:
    """The connection is another protocol's by then, and the peer the same."""
    with unix_connect(str(served), "ws://potions/who") as line:
        assert line.recv() == user_name(os.geteuid())


def test_only_the_owner_can_open_the_socket(path: Path) -> None:
    """From its first moment, whatever the umask; what a killed agent left is replaced."""
    path.touch()
    before = os.umask(0)
    try:
        with agent_app.listen_privately(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: somebody else has to connect")
def test_a_stranger_is_cut_off(served: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the socket was made readable: not one byte comes back, nothing breaks, others are answered."""
    served.chmod(0o666)
    with caplog.at_level(logging.WARNING):
        for request in (PLAIN, UPGRADE) * 10:
            assert _ask_as_nobody(served, request) == b""
        assert ask(served).status_code == 200
    assert [record.getMessage() for record in caplog.records] == []


def _ask_as_nobody(path: Path, request: bytes) -> bytes:
    """What another user gets for a request, byte for byte."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        got = b"it broke"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(path))
                got = _exchange(connection, request)
        finally:
            os.write(write_end, got)
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        got = answers.read()
    os.waitpid(child, 0)
    return got


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    try:
        connection.sendall(request)
        return connection.recv(1000)
    except (ConnectionResetError, BrokenPipeError):
        return b""
