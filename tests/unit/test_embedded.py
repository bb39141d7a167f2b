"""Bringing a home up, as far as it is refused before anything is started or written."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from potions.embedded.home import load_settings
from potions.embedded.running import bring_up
from potions.embedded.settling import settle_settings
from potions.errors import AgentUnreachable, HomeRefused, UsageRefused
from potions.layout import Home
from potions.model.app import LAST_PORT
from potions.model.service import Account
from potions.settings import Settings
from support.bare_home import app_account

ACCOUNT: Account = app_account()


def refused(root: Path, *ports: int | None) -> HomeRefused | UsageRefused:
    """Why a home was not brought up. Nothing may have been made of it."""
    said: list[str] = []
    http_port, first_port = (*ports, None, None)[:2]
    with pytest.raises((HomeRefused, UsageRefused)) as error:
        bring_up(Home(root), http_port, first_port, said.append)
    assert said == []
    assert not root.is_dir()
    assert error.value.do or error.value.why
    return error.value


@pytest.mark.parametrize("name", ["[a]", "a*", "what?", "{x}", "back\\slash", "new\nline", "bell\a"])
def test_a_path_that_the_proxy_takes_for_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    """No app would ever be found there."""
    assert isinstance(refused(tmp_path / name), HomeRefused)


def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    """The system would refuse it later, in words that nobody understands. Bytes count, not letters."""
    assert "too long" in refused(Path("/tmp") / ("x" * 90)).what
    assert "too long" in refused(Path("/tmp") / ("é" * 45)).what


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    """Itself, or anything above it."""
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refused(tmp_path / "file").why
    assert str(tmp_path / "file") in refused(tmp_path / "file" / "below").why


@pytest.mark.parametrize("port", [-1, 0, 80, 1023, LAST_PORT, LAST_PORT + 1, 10**9])
def test_a_port_that_cannot_be_one_here_is_refused(tmp_path: Path, port: int) -> None:
    """For visitors and for apps alike; a pair has to fit."""
    assert isinstance(refused(Path("/tmp/no-home"), port), UsageRefused)
    assert isinstance(refused(Path("/tmp/no-home"), None, port), UsageRefused)


def test_a_home_that_never_ran_says_how_to_start_it(tmp_path: Path) -> None:
    """Every command meets this first."""
    with pytest.raises(AgentUnreachable) as unknown:
        load_settings(Home(tmp_path))
    assert "potions up" in unknown.value.do


@pytest.mark.parametrize("text", ["", "{", "[]", '{"http_port": 1}', '{"http_port": "x"}', "\x00"])
def test_settings_that_cannot_be_read_are_told(tmp_path: Path, text: str) -> None:
    """With the file, and what to do about it."""
    home = Home(tmp_path)
    home.settings.write_text(text)
    with pytest.raises(HomeRefused) as broken:
        load_settings(home)
    assert str(home.settings) in broken.value.what


@pytest.mark.parametrize(("port", "is_one"), [(0, False), (1, True), (65535, True), (65536, False)])
def test_settings_name_ports_that_can_be_ones(tmp_path: Path, port: int, is_one: bool) -> None:
    """What was typed into the file by hand is told before anything tries to listen there."""
    home = Home(tmp_path)
    right = Settings(8480, 4000, 9480, probe_token="x", app_user="nobody", search_path="/usr/bin")
    home.settings.write_bytes(msgspec.json.encode(msgspec.structs.replace(right, epmd_port=port)))
    if is_one:
        assert load_settings(home).epmd_port == port
        return
    with pytest.raises(HomeRefused) as broken:
        load_settings(home)
    assert "epmd_port" in broken.value.why


def settle(home: Home, http_port: int | None = None, first_port: int | None = None) -> Settings:
    return settle_settings(home, ACCOUNT, http_port, first_port, lambda _said: None)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.run.mkdir()
    return made


def test_a_home_keeps_its_settings(home: Home) -> None:
    """Every start finds them again, and changes only what it was asked to."""
    first = settle(home, 8999, 7000)
    assert load_settings(home) == first
    assert settle(home) == first
    assert settle(home, 9001) == msgspec.structs.replace(first, http_port=9001)
    assert load_settings(home).probe_token == first.probe_token


def test_the_settings_are_for_their_owner_alone(home: Home) -> None:
    """They have the token in them by which confirm knows a slot."""
    settle(home)
    assert stat.S_IMODE(home.settings.stat().st_mode) == 0o600
    assert len(load_settings(home).probe_token) >= 24


@pytest.mark.parametrize("http_port", [1024, 8480, 63_000, 64_600, LAST_PORT - 1])
def test_every_home_has_a_port_for_erlang(home: Home, http_port: int) -> None:
    """Whatever its own port is, also the highest there is; never the same one."""
    port = settle(home, http_port).epmd_port
    assert 1024 <= port <= LAST_PORT
    assert port != http_port
