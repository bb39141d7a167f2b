"""The platform's own Erlang port mapper: taken from a release, started once, and told where it cannot be."""

from __future__ import annotations

import shlex
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from potions.errors import PortBusy, StartFailed
from potions.host.epmd import EPMD_SERVICE, Epmd
from potions.host.files import provision
from potions.layout import Colour, Home
from potions.model.service import Phase, Service, ServiceState
from support.bare_home import app_account
from support.platform import free_port

ACCOUNT = app_account()


class OneService:
    """A supervisor of one service, which listens when it is started."""

    def __init__(self) -> None:
        self.installed: Service | None = None
        self.starts = 0
        self.listener: socket.socket | None = None

    def state(self, name: str) -> ServiceState:
        assert name == EPMD_SERVICE
        return ServiceState(Phase.RUNNING if self.listener else Phase.STOPPED)

    def install(self, service: Service) -> None:
        self.installed = service

    def start(self, name: str) -> None:
        assert name == EPMD_SERVICE
        assert self.installed is not None
        self.starts += 1
        self.listener = socket.create_server(("127.0.0.1", int(shlex.split(self.installed.command)[-1])))


class OneRelease:
    """Trees whose releases bring this program along."""

    def __init__(self, program: bytes | None) -> None:
        self.program = program

    def find_epmd(self, tree: Any, colour: Colour) -> bytes | None:
        return self.program


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """One whose path a shell would take apart."""
    made = Home(tmp_path / 'a "home" of $mine & `yours`')
    provision(made.entries(), ACCOUNT)
    return made


@pytest.fixture
def supervisor() -> Iterator[OneService]:
    service = OneService()
    yield service
    if service.listener:
        service.listener.close()


def epmd_of(home: Home, supervisor: OneService, program: bytes | None, port: int | None = None) -> Epmd:
    return Epmd(home, port or free_port(), supervisor, OneRelease(program), ACCOUNT)  # type: ignore[arg-type]


def test_it_is_started_once(home: Home, supervisor: OneService) -> None:
    """From the program that the first release brings along; also when two deploys ask at the same time."""
    epmd = epmd_of(home, supervisor, b"the program")
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(epmd.ensure_port_mapper, home.app("blog"), Colour.BLUE, 4000) for _ in range(3)]
        ports = {one.result() for one in asked}
    assert supervisor.starts == 1
    program = home.epmd / "epmd"
    assert program.read_bytes() == b"the program"
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert supervisor.installed is not None
    assert shlex.split(supervisor.installed.command)[1:] == [
        str(program),
        "-address",
        "127.0.0.1",
        "-port",
        str(*ports),
    ]
    assert (supervisor.installed.account, supervisor.installed.restart) == (ACCOUNT, True)
    assert supervisor.installed.directory == Path("/")


def test_one_from_before_serves_a_release_without_one(home: Home, supervisor: OneService) -> None:
    """A release that was built without its own Erlang needs only that one runs."""
    (home.epmd / "epmd").write_bytes(b"from before")
    epmd_of(home, supervisor, None).ensure_port_mapper(home.app("blog"), Colour.BLUE, 4000)
    assert (home.epmd / "epmd").read_bytes() == b"from before"


def test_none_at_all_is_told(home: Home, supervisor: OneService) -> None:
    """With what to change in the release."""
    with pytest.raises(StartFailed) as failed:
        epmd_of(home, supervisor, None).ensure_port_mapper(home.app("blog"), Colour.BLUE, 4000)
    assert "include_erts" in failed.value.do
    assert supervisor.starts == 0


def test_a_stranger_on_its_port_is_told(home: Home, supervisor: OneService) -> None:
    """An epmd that is not ours would mix the nodes of several homes."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(PortBusy, match=str(port)):
            epmd_of(home, supervisor, b"the program", port).ensure_port_mapper(home.app("blog"), Colour.BLUE, 4000)
    assert supervisor.starts == 0


def test_one_that_does_not_come_up_is_told(home: Home, supervisor: OneService, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time, with its log."""
    monkeypatch.setattr("potions.host.epmd._START_TIMEOUT", 0.1)
    monkeypatch.setattr(supervisor, "start", lambda _name: None)
    with pytest.raises(StartFailed, match="did not come up") as failed:
        epmd_of(home, supervisor, b"the program").ensure_port_mapper(home.app("blog"), Colour.BLUE, 4000)
    assert "epmd.log" in failed.value.do
