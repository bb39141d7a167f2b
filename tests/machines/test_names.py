"""Names on a server: what is asked for while the proxy is down, and two that would answer at one name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from potions.layout import SERVER
from support.platform import Outcome
from support.server import InstalledServer


@pytest.fixture(scope="module")
def named(server: InstalledServer) -> Iterator[InstalledServer]:
    """Two apps that serve; blog has two domains, whose certificates Caddy makes itself."""
    server.do("server", "install", "--internal-certificates")
    for app in ("blog", "shop"):
        server.do("apps", "create", app)
        server.deploy(app, "one")
        server.settled(app)
    for domain in ("one.example.com", "two.example.com"):
        server.do("domains", "add", "blog", domain, "--skip-dns-check")
    server.put("shop", "storage/letter.txt", "dear customer")
    yield server


def domains(server: InstalledServer) -> list[tuple[str, bool]]:
    found: list[dict[str, Any]] = server.json("domains", "list", "blog")["domains"]
    return [(one["name"], one["primary"]) for one in found]


def wrong_with_the_proxy(server: InstalledServer) -> list[str]:
    """What doctor finds of sites and of programs; that the domains lead nowhere is known here."""
    found = json.loads(server.potions("doctor", "--json").out)["findings"]
    return [one["code"] for one in found if one["code"].startswith(("site", "program", "stray"))]


def refused(server: InstalledServer, *words: str) -> Outcome:
    done = server.potions(*words)
    assert (done.status != 0, "Traceback" in done.err) == (True, False), done.text
    return done


@pytest.mark.contract("P9")
def test_what_the_proxy_cannot_be_told_is_not_remembered(named: InstalledServer) -> None:
    """An app that is made, and every change of domains: refused with where to look, and all is as it was."""
    before, host = domains(named), named.do("env", "get", "blog", "PHX_HOST")
    named.machine.do("systemctl stop potions-caddy")
    try:
        for words in (
            ("apps", "create", "fifth"),
            ("domains", "add", "blog", "three.example.com", "--skip-dns-check"),
            ("domains", "remove", "blog", "one.example.com", "--yes"),
            ("domains", "primary", "blog", "two.example.com"),
        ):
            told = refused(named, *words).err
            assert "Caddy does not answer." in told
            assert "systemctl status potions-caddy" in told
        assert domains(named) == before
        assert named.do("env", "get", "blog", "PHX_HOST") == host
        assert [one["name"] for one in named.json("apps", "list")] == ["blog", "shop"]
        assert named.json("apps", "list", "--deleted") == []
        assert named.machine.run("test -e /opt/potions/fifth").status != 0
    finally:
        named.machine.do("systemctl start potions-caddy")
    named.serves("blog", "one")
    assert wrong_with_the_proxy(named) == []
    named.do("domains", "primary", "blog", "two.example.com")
    named.do("domains", "primary", "blog", "one.example.com")
    assert wrong_with_the_proxy(named) == []


@pytest.mark.contract("S10")
def test_an_app_is_deleted_also_while_the_proxy_is_down(named: InstalledServer) -> None:
    """Nothing of it runs on, and it comes back with every byte."""
    named.machine.do("systemctl stop potions-caddy")
    try:
        named.do("apps", "delete", "shop", "--yes")
        assert named.running_slots("shop") == []
        assert named.machine.run("ls /etc/systemd/system/shop-*").status != 0
    finally:
        named.machine.do("systemctl start potions-caddy")
    named.serves("blog", "one")
    assert named.ask("shop").status == 404
    assert wrong_with_the_proxy(named) == []
    named.do("apps", "restore", "shop")
    named.serves("shop", "one")
    assert named.file("shop", "storage/letter.txt").text == "dear customer"


@pytest.mark.contract("P9")
def test_two_never_answer_at_one_name(named: InstalledServer) -> None:
    """The dashboard, an app below the wildcard, and an app with a domain: whoever comes second is refused."""
    settings = named.machine.read(str(SERVER.settings))
    told = refused(named, "server", "install", "--dashboard", "one.example.com")
    assert (told.status, "The app blog answers there." in told.err) == (2, True)
    assert named.machine.read(str(SERVER.settings)) == settings
    named.do("server", "install", "--wildcard", "example.com", "--dashboard", "admin.example.com")
    told = refused(named, "apps", "create", "one")
    assert "one.example.com is a domain of another app, blog." in told.err
    told = refused(named, "apps", "create", "admin")
    assert "The dashboard of this server answers there." in told.err
    assert [one["name"] for one in named.json("apps", "list")] == ["blog", "shop"]
    named.do("apps", "delete", "shop", "--yes")
    assert "is a domain of another app, blog." in refused(named, "apps", "restore", "shop", "--as", "two").err
    named.do("apps", "restore", "shop")
    named.serves("shop", "one")
    assert wrong_with_the_proxy(named) == []
