"""An agent that cannot start, behind sockets that systemd keeps open: the real process, with sockets handed over."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from potions.client import Client
from potions.errors import AgentNotStarted
from potions.host.locks import Locks
from potions.layout import Home
from potions.schema.terminal import Open
from potions.settings import Settings

#: Becomes the agent as systemd starts it: the socket is at descriptor 3, and is meant for this process.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "potions.agent", sys.argv[2]])
"""


SETTINGS = Settings(8480, 4000, 9480, probe_token="x", app_user="nobody", search_path="/usr/bin")


@pytest.fixture
def home() -> Iterator[Home]:
    """A home whose settings are not JSON. Short, as a socket's path has to be."""
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as name:
        home = Home(Path(name))
        home.run.mkdir()
        home.settings.write_text("rubbish")
        yield home


@contextmanager
def started(home: Home, listener: socket.socket) -> Iterator[subprocess.Popen[str]]:
    """The agent, with one socket at the descriptor at which systemd hands it over."""
    handed = listener.fileno()
    command = [sys.executable, "-c", HAND_OVER, str(handed), str(home.root)]
    agent = subprocess.Popen(command, pass_fds=[handed], stderr=subprocess.PIPE, text=True)
    with agent:
        yield agent


def asked(path: Path) -> AgentNotStarted:
    with Client(path) as client, pytest.raises(AgentNotStarted) as refused:
        client.status()
    return refused.value


def listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


@pytest.mark.parametrize("which", ["agent_socket", "web_socket"])
def test_whoever_asks_is_told_why_it_cannot_start(home: Home, which: str) -> None:
    """With the reason and what to do; then it ends, to be started again."""
    path: Path = getattr(home, which)
    with listening(path) as listener, started(home, listener) as agent:
        with Client(path) as client, pytest.raises(AgentNotStarted) as refused:
            client.status()
        _, printed = agent.communicate()
    assert refused.value.what == "The agent cannot start."
    assert f"{home.settings} cannot be read." in refused.value.why
    assert refused.value.do.startswith("Mend it")
    assert f"{home.settings} cannot be read." in printed
    assert "Started server process" not in printed
    assert agent.returncode == 1


@pytest.mark.parametrize("damage", [Path.mkdir, lambda path: path.write_bytes(b'{"app_user": "d\xff"}')])
def test_settings_that_are_no_text_are_named(home: Home, damage: Callable[[Path], object]) -> None:
    """A directory in their place, a byte that is no UTF-8: the file is named all the same."""
    home.settings.unlink()
    damage(home.settings)
    path = home.agent_socket
    with listening(path) as listener, started(home, listener):
        refused = asked(path)
    assert f"{home.settings} cannot be read." in refused.why


def test_what_nobody_had_thought_of_is_told_too(home: Home) -> None:
    """In the words of Python, with where there is more."""
    home.settings.write_bytes(msgspec.json.encode(SETTINGS))
    home.locks.parent.mkdir(parents=True)
    home.locks.write_text("a file")
    path = home.agent_socket
    with listening(path) as listener, started(home, listener):
        refused = asked(path)
    assert refused.why.startswith("NotADirectoryError: ")
    assert "journalctl -u potions-agent" in refused.do


def test_a_terminal_is_refused_with_the_same_words(home: Home) -> None:
    path = home.agent_socket
    with listening(path) as listener, started(home, listener):
        with Client(path) as client, pytest.raises(AgentNotStarted):
            client.status()
        terminal = Client(path).terminal("gallery", Open(argv=["true"]))
        with pytest.raises(AgentNotStarted, match="cannot start"), terminal:
            pass


def test_who_asks_while_another_agent_works_there_waits_for_that_one(home: Home) -> None:
    """It ends at once, and takes nobody who is connected with it."""
    home.settings.write_bytes(msgspec.json.encode(SETTINGS))
    home.locks.mkdir(parents=True)
    lock = Locks(home.locks).try_take("agent")
    assert lock is not None
    with listening(home.agent_socket) as listener, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(home.agent_socket))
        with started(home, listener) as agent:
            _, printed = agent.communicate()
        assert (agent.returncode, "Another agent already works on" in printed) == (1, True)
        listener.setblocking(False)
        listener.accept()[0].close()
    lock.release()


def test_without_a_socket_of_systemd_it_ends_at_once(home: Home) -> None:
    """There is nobody who waits; and it makes no socket, on which it would seem to be there."""
    ended = subprocess.run(
        [sys.executable, "-m", "potions.agent", str(home.root)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, list(home.run.iterdir())) == (1, [])
    assert f"{home.settings} cannot be read." in ended.stderr
