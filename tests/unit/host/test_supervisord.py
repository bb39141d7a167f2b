"""A supervisord that does not answer as it should: told in words, never as a traceback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from potions.errors import SupervisorRefused
from potions.host.supervisord import Supervisord
from potions.layout import Home
from support.bare_home import bare_home

ANSWERS = [
    b"",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<?xml version='1.0'?><methodResp",
    b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnothing",
    b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
    b"SSH-2.0-something else\r\n\r\n",
]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with bare_home() as made:
        yield made


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Something that answers everybody the same, and then breaks off."""
    over = threading.Event()

    def answer_all(listener: socket.socket) -> None:
        listener.settimeout(0.05)
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(answer)

    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        answering = threading.Thread(target=answer_all, args=(listener,))
        answering.start()
        yield
        over.set()
        answering.join()


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_a_broken_answer_is_told(home: Home, answer: bytes) -> None:
    """As when supervisord is killed in the middle of one, or something else listens on its socket."""
    supervisor = Supervisord(home)
    with answering(home.supervisor_socket, answer):
        with pytest.raises(SupervisorRefused) as refused:
            supervisor.states()
        assert "potions up" in refused.value.do
        assert not supervisor.is_up()


def test_no_supervisord_is_told(home: Home) -> None:
    """Whether its socket was never there or was left by one that was killed."""
    home.supervisor_socket.unlink(missing_ok=True)
    _assert_told(Supervisord(home))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home.supervisor_socket))
    _assert_told(Supervisord(home))
    home.supervisor_socket.unlink()


def _assert_told(supervisor: Supervisord) -> None:
    assert not supervisor.is_up()
    with pytest.raises(SupervisorRefused, match="does not answer"):
        supervisor.stop(["blog.blue"], 1)
