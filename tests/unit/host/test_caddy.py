"""Caddy's own view of its sites, over a real one: what differs from the disk, and amending several at once."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from potions.errors import ProxyRefused
from potions.host.caddy import Caddy
from potions.layout import Home
from support.bare_home import bare_home, bare_settings, running_caddy
from support.platform import free_port


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with bare_home() as made:
        yield made


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def caddy(home: Home, port: int) -> Iterator[Caddy]:
    with running_caddy(home, port) as running:
        yield running


def text(caddy: Caddy, home: Home, app: str, *, gated: bool = False) -> bytes:
    return caddy.site_text(app, (1, 2), home.app(app), gated=gated)


def visited(port: int, app: str) -> int:
    return httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": f"{app}.localhost"}).status_code


def test_what_caddy_runs_with_is_what_lies_on_disk(caddy: Caddy, home: Home) -> None:
    """After any change that was loaded; also where requests can be held."""
    assert caddy.difference() is None
    caddy.put_site("blog", (1, 2), home.app("blog"), gated=False)
    caddy.put_site("keeper", (3, 4), home.app("keeper"), gated=True)
    assert caddy.difference() is None


def test_a_change_by_hand_is_a_difference(caddy: Caddy, home: Home) -> None:
    """One that Caddy would take, one that it would refuse, and a main file that is gone."""
    caddy.amend({}, [])
    site = home.site("hand-made")
    site.write_text(f"http://hand-made.localhost:{free_port()} {{\n\trespond 418\n}}\n")
    assert caddy.difference() == "It was changed since it was loaded."
    site.write_text("broken {\n")
    assert "would refuse it" in (caddy.difference() or "")
    site.unlink()
    home.caddyfile.unlink()
    assert caddy.difference() == "There is no main file."
    caddy.amend({}, [])
    assert caddy.difference() is None


def test_several_broken_sites_are_mended_at_once(caddy: Caddy, home: Home, port: int) -> None:
    """One by one each would be refused for the other."""
    for app in ("one", "two", "stray"):
        home.site(app).write_text("broken {\n")
    home.caddyfile.write_text("broken {\n")
    caddy.amend({app: text(caddy, home, app) for app in ("one", "two")}, ["stray"])
    assert (visited(port, "one"), visited(port, "two"), visited(port, "stray")) == (503, 503, 404)
    assert not home.unloaded.exists()
    caddy.amend({}, ["one", "two"])


def test_what_is_still_broken_leaves_caddy_as_it_was(caddy: Caddy, home: Home, port: int) -> None:
    """It is refused, remembered, and the sites that were loaded answer on."""
    caddy.amend({"one": text(caddy, home, "one")}, [])
    home.site("broken").write_text("broken {\n")
    with pytest.raises(ProxyRefused):
        caddy.amend({"two": text(caddy, home, "two")}, [])
    assert (visited(port, "one"), visited(port, "two")) == (503, 404)
    assert home.unloaded.exists()
    caddy.amend({}, ["one", "two", "broken"])


def test_a_caddy_that_is_down_cannot_be_compared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It says so."""
    with bare_home() as home, pytest.raises(ProxyRefused):
        down = Caddy(home, bare_settings())
        down.write_caddyfile()
        down.difference()
