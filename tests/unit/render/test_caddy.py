"""Caddy's files are rendered as they have to be, and the real Caddy takes them."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potions.host.programs import caddy_program
from potions.layout import AppTree, Colour, Home, Server
from potions.render.caddy import Site, render_site
from potions.render.caddyfile import render_caddyfile
from potions.settings import ServerSettings
from support.bare_home import bare_settings
from support.golden import check_golden, golden_cases


def _site(app: str, home: Home, server: ServerSettings | None = None) -> Site:
    return Site(
        bind="127.0.0.1" if server else "",
        domains=[f"{app}.example.com", f"www.{app}.example.com"] if server else [],
        app=app,
        hosts=[f"{app}.localhost"],
        http_port=8480,
        ports=(4000, 4001),
        live_root=home.app(app).live,
        probe_token="a-token",
    )


def _render_site(text: str) -> str:
    given = tomllib.loads(text)
    ports, live_root = tuple(given.pop("ports")), Path(given.pop("live_root"))
    tree = AppTree(live_root.parent)
    gates = {colour: tree.gate(colour) for colour in Colour} if given.pop("gated", False) else None
    return render_site(Site(ports=ports, live_root=live_root, gates=gates, **given))


def _render_caddyfile(text: str) -> str:
    given = tomllib.loads(text)
    server = msgspec.convert(given["server"], ServerSettings) if "server" in given else None
    home = Server() if server else Home(Path(given["home"]))
    return render_caddyfile(home, bare_settings(given["http_port"], server))


@pytest.mark.parametrize("case", golden_cases("site"))
def test_a_site_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("site", case, _render_site)


@pytest.mark.parametrize("case", golden_cases("caddyfile"))
def test_the_main_file_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("caddyfile", case, _render_caddyfile)


def _adapt(home: Home, apps: list[str], server: ServerSettings | None = None) -> dict[str, Any]:
    """What the real Caddy makes of the files, after it has tried to set everything up."""
    home.sites.mkdir(parents=True)
    for app in apps:
        home.site(app).write_text(render_site(_site(app, home, server)))
    home.caddyfile.write_text(render_caddyfile(home, bare_settings(8480, server)))
    words = ["adapt", "--validate", "--adapter", "caddyfile", "--config", str(home.caddyfile)]
    environment = {"HOME": str(home.caddy), "PATH": os.defpath}
    adapted = subprocess.run([caddy_program(), *words], check=True, env=environment, capture_output=True)
    return json.loads(adapted.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["home", "my home", "my #1 home", 'the "best"', "it's", "a;b,c&d"])
def test_the_real_caddy_takes_the_files_wherever_the_home_is(tmp_path: Path, name: str) -> None:
    """Every path arrives as it is: the admin socket, Caddy's own files and the link that decides."""
    home = Home(tmp_path / name)
    adapted = _adapt(home, ["blog", "blog2"])
    assert adapted["admin"]["listen"] == f"unix/{home.caddy_socket}"
    assert adapted["storage"]["root"] == str(home.caddy_data)
    roots = {root for root in _values(adapted, "root") if "/apps/" in root}
    assert roots == {str(home.app("blog").live), str(home.app("blog2").live)}


def _values(node: Any, key: str) -> list[Any]:
    """Every value of ``key`` anywhere in the configuration."""
    if isinstance(node, dict):
        found = [node[key]] if key in node else []
        return found + [value for child in node.values() for value in _values(child, key)]
    return [value for child in node for value in _values(child, key)] if isinstance(node, list) else []


def test_a_proxy_without_apps_is_taken(tmp_path: Path) -> None:
    """A new home has no site yet."""
    assert _adapt(Home(tmp_path), [])["apps"]["http"]["http_port"] == 8480


def test_it_listens_on_this_computer_alone_and_asks_for_no_certificate(tmp_path: Path) -> None:
    """A site without a bind would listen on every address."""
    adapted = _adapt(Home(tmp_path), ["blog"])
    servers = adapted["apps"]["http"]["servers"].values()
    assert [server["listen"] for server in servers] == [["127.0.0.1:8480"]]
    assert all(server["automatic_https"]["disable"] for server in servers)
    assert adapted["admin"]["config"] == {"persist": False}


@pytest.fixture
def on_server(tmp_path: Path) -> dict[str, Any]:
    """What the real Caddy makes of a server's files with two apps."""
    return _adapt(Home(tmp_path), ["blog", "blog2"], ServerSettings(address="203.0.113.7", dashboard="p.example.com"))


def _served(adapted: dict[str, Any]) -> dict[str, set[str]]:
    """Each listener's names."""
    servers = adapted["apps"]["http"]["servers"].values()
    return {server["listen"][0]: {name for names in _values(server, "host") for name in names} for server in servers}


def test_a_server_shows_the_domains_to_everybody_and_the_plain_names_to_itself(on_server: dict[str, Any]) -> None:
    """The plain names listen on this computer alone, the domains on every address, by HTTPS."""
    assert _served(on_server) == {
        "127.0.0.1:8480": {"potions.localhost", "blog.localhost", "blog2.localhost"},
        ":443": {
            *("p.example.com", "blog.example.com", "www.blog.example.com"),
            *("blog2.example.com", "www.blog2.example.com"),
        },
        ":80": set(),
    }


def test_a_server_gets_certificates_for_the_domains_and_for_nothing_else(on_server: dict[str, Any]) -> None:
    """A plain name of this computer is no authority's business."""
    by_listener = {server["listen"][0]: server for server in on_server["apps"]["http"]["servers"].values()}
    assert set(by_listener["127.0.0.1:8480"]["automatic_https"]["skip"]) == _served(on_server)["127.0.0.1:8480"]
    assert "automatic_https" not in by_listener[":443"]


def test_both_ways_to_a_slot_ask_the_same_address(on_server: dict[str, Any]) -> None:
    """Caddy counts what is in flight by it."""
    proxies = [node for node in _nodes(on_server) if node.get("handler") == "reverse_proxy"]
    dials = Counter(upstream["dial"] for proxy in proxies for upstream in proxy["upstreams"])
    assert (dials["127.0.0.1:4000"], dials["127.0.0.1:4001"]) == (4, 4)
    assert {proxy["stream_close_delay"] for proxy in proxies} == {24 * 3600 * 10**9}


def test_one_look_a_block_decides_at_a_domain_too(tmp_path: Path) -> None:
    """Each of the two blocks of a site has one, and no request goes through both."""
    adapted = _adapt(Home(tmp_path), ["blog"], ServerSettings(address="203.0.113.7"))
    for server in adapted["apps"]["http"]["servers"].values():
        looks = _values(server["routes"], "file")
        assert looks == ([] if server["listen"] == [":80"] else [{"try_files": ["/green"]}])


def test_every_handler_keeps_its_streams_through_a_reload(tmp_path: Path) -> None:
    """One handler without the delay would cut its WebSockets whenever any app is made."""
    proxies = [
        node for node in _nodes(_adapt(Home(tmp_path), ["blog", "blog2"])) if node.get("handler") == "reverse_proxy"
    ]
    assert len(proxies) == 5
    assert {proxy["stream_close_delay"] for proxy in proxies} == {24 * 3600 * 10**9}


def test_one_look_at_the_file_system_decides_between_the_colours(tmp_path: Path) -> None:
    """A second one could see another state of the link than the first."""
    routes = _adapt(Home(tmp_path), ["blog"])["apps"]["http"]["servers"]["srv0"]["routes"]
    assert _values(routes, "file") == [{"try_files": ["/green"]}]


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        return [node, *(found for child in node.values() for found in _nodes(child))]
    return [found for child in node for found in _nodes(child)] if isinstance(node, list) else []
