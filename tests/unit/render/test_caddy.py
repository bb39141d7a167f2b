"""Caddy's files are rendered as they have to be, and the real Caddy takes them."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from potions.host.programs import caddy_program
from potions.layout import AppTree, Colour, Home
from potions.render.caddy import Site, render_caddyfile, render_site
from support.golden import check_golden, golden_cases


def _site(app: str, home: Home) -> Site:
    return Site(
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
    return render_caddyfile(Home(Path(given["home"])), given["http_port"])


@pytest.mark.parametrize("case", golden_cases("site"))
def test_a_site_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("site", case, _render_site)


@pytest.mark.parametrize("case", golden_cases("caddyfile"))
def test_the_main_file_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("caddyfile", case, _render_caddyfile)


def _adapt(home: Home, apps: list[str]) -> dict[str, Any]:
    """What the real Caddy makes of the files, after it has tried to set everything up."""
    home.sites.mkdir(parents=True)
    for app in apps:
        home.site(app).write_text(render_site(_site(app, home)))
    home.caddyfile.write_text(render_caddyfile(home, 8480))
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
