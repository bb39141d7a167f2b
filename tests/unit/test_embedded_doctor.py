"""What the doctor sees of a home without its agent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from potions.embedded_doctor import look, look_without_agent
from potions.host.supervisord import Supervisord
from potions.layout import Home
from potions.settings import Settings
from support.bare_home import app_account, bare_home, running_supervisord
from support.findings import codes_of, own_findings
from support.platform import free_port, wait_for

#: The doctor of an installation whose programs are elsewhere.
WITHOUT_PROGRAMS = """
import sys, sysconfig
from pathlib import Path
sysconfig.get_path = lambda *_: "/nowhere"
from potions.embedded_doctor import look
from potions.layout import Home
print([one.code for one in look(Home(Path(sys.argv[1])), None).findings])
"""


def settings(**more: object) -> Settings:
    fields: dict[str, object] = {
        "http_port": free_port(),
        "first_port": 4000,
        "epmd_port": free_port(),
        "probe_token": "token",
        "app_user": app_account().name,
        "search_path": "/usr/bin:/bin",
    }
    return Settings(**(fields | more))  # type: ignore[arg-type]


def write(home: Home, **more: object) -> None:
    home.root.mkdir(parents=True, exist_ok=True)
    home.settings.write_bytes(msgspec.json.encode(settings(**more)))


def test_a_home_that_never_was(tmp_path: Path) -> None:
    """Nothing is made of it by looking."""
    home = Home(tmp_path / "h")
    assert codes_of(look(home, None)) == ["never-started"]
    assert not home.root.exists()


@pytest.fixture
def stopped() -> Iterator[Home]:
    """A home whose directories are there and in which nothing runs; the apps' user can enter it."""
    with bare_home() as home:
        write(home)
        yield home


def test_a_home_that_is_stopped(stopped: Home) -> None:
    """Told apart from one that never was."""
    home = stopped
    assert codes_of(look(home, "blog")) == ["not-running"]


@pytest.mark.parametrize("text", ["", "{", '{"http_port": 1}'])
def test_settings_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """They keep Potions from starting, and are named."""
    home = Home(tmp_path)
    home.settings.write_text(text)
    assert "settings-broken" in codes_of(look(home, None))


def test_a_key_that_is_gone(stopped: Home) -> None:
    """Nothing may make a new one in its place; that is what the finding says."""
    stopped.database.write_bytes(b"")
    assert codes_of(look(stopped, None)) == ["key-missing", "not-running"]


def test_a_place_that_cannot_be_a_home(tmp_path: Path) -> None:
    """Its path is too long for a socket, or has a sign that Caddy takes for a pattern."""
    for name in ("x" * 100, "[a]"):
        (found, _) = own_findings(look_without_agent(Home(tmp_path / name)))
        assert found.code == "home-refused"
        assert "POTIONS_HOME" in found.do


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_home_that_the_apps_cannot_enter(tmp_path: Path) -> None:
    """The directory that keeps them out is named."""
    home = Home(tmp_path / "closed" / "h")
    write(home)
    (tmp_path / "closed").chmod(0o700)
    (found, _) = own_findings(look(home, None))
    assert (found.code, str(tmp_path / "closed") in found.why or str(tmp_path) in found.why) == (
        "home-unreachable",
        True,
    )


def test_somebody_on_the_port_of_the_proxy(stopped: Home) -> None:
    """A start would be refused; who is in the way is named."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        write(stopped, http_port=listener.getsockname()[1])
        found = own_findings(look(stopped, None))
    assert [one.code for one in found] == ["not-running", "http-port-taken"]
    assert f"process {os.getpid()}" in found[1].what


def test_what_runs_on_without_a_supervisor(stopped: Home) -> None:
    """An app whose supervisord was killed: it serves, and nothing would start it again."""
    marks = {"POTIONS_DIR": str(stopped.app("blog").root), "PATH": os.defpath}
    with subprocess.Popen(["sleep", "60"], env=marks) as left:
        wait_for(lambda: "left-behind" in codes_of(look(stopped, None)), "it is seen")
        left.kill()
    assert codes_of(look(stopped, None)) == ["not-running"]


def test_parts_that_a_supervisor_runs_and_that_do_not_answer(stopped: Home) -> None:
    """Running and silent, or ended: each with its log's last lines, and only what ended can be started."""
    home = stopped
    with running_supervisord(home):
        home.part_log("agent").write_text("OSError: [Errno 28] No space left on device\n")
        silent = own_findings(look(home, None))
        assert [(one.code, one.fix) for one in silent] == [("agent-silent", ""), ("proxy-down", "")]
        assert "No space left" in silent[0].why
        Supervisord(home).stop(["agent", "caddy"], 10)
        ended = own_findings(look(home, None))
        assert [(one.code, bool(one.fix)) for one in ended] == [("agent-down", True), ("proxy-down", True)]


def test_a_proxy_that_is_not_installed(tmp_path: Path) -> None:
    """As after half an installation: it is said before anything is started."""
    words = [sys.executable, "-c", WITHOUT_PROGRAMS, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "program-missing" in done.stdout
