"""Domains on a small Internet: real DNS, a real authority that speaks ACME, HTTPS on port 443."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.platform import wait_for
from support.server_platform import ServerPlatform, server_platform
from support.small_internet import DENIED, ELSEWHERE, HERE, HERE_IPV6, SmallInternet, small_internet
from support.websocket_watch import WebSocketWatch

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace of its own")

DASHBOARD = "potions.example.com"
DRAIN = '[deploy]\ndrain = "1s"\n'


@pytest.fixture(scope="module")
def net() -> Iterator[SmallInternet]:
    with small_internet() as made:
        yield made


@pytest.fixture(scope="module")
def shared_server(net: SmallInternet) -> Iterator[ServerPlatform]:
    net.dns.point(DASHBOARD, HERE)
    with server_platform(net, dashboard=DASHBOARD) as made:
        yield made


@pytest.fixture
def server(shared_server: ServerPlatform) -> Iterator[ServerPlatform]:
    """Its apps are gone afterwards."""
    yield shared_server
    with shared_server.client as client:
        for app in client.apps():
            client.delete_app(app.name, purge=True)
        for entry in client.trash():
            client.purge_trash(entry.name)


@pytest.fixture
def blog(server: ServerPlatform, release: Callable[..., Path]) -> ServerPlatform:
    """With the app `blog` in it, which serves version 1."""
    server.client.create_app("blog")
    server.do("deploy", str(release("1", manifest=DRAIN)), "--app", "blog")
    return server


def host_variable(server: ServerPlatform, app: str = "blog") -> str:
    return server.do("env", "get", app, "PHX_HOST").out.strip()


def names_of(server: ServerPlatform, app: str = "blog") -> list[str]:
    return [one["name"] for one in server.json("domains", "list", app)["domains"]]


@pytest.mark.contract("P9")
def test_an_app_answers_at_its_domain_by_https(blog: ServerPlatform) -> None:
    """With a certificate that was got by itself and that visitors trust; plain HTTP leads there."""
    blog.net.dns.point("blog.example.com", HERE, HERE_IPV6)
    added = blog.do("domains", "add", "blog", "Blog.Example.com").out
    assert "blog answers at https://blog.example.com" in added
    blog.wait_for_certificate("blog.example.com")
    answer = blog.visit("https://blog.example.com/headers")
    assert answer.status_code == 200
    assert (answer.json()["host"], answer.json()["x-forwarded-proto"]) == ("blog.example.com", "https")
    plain = blog.visit("http://blog.example.com/some?thing")
    assert (plain.status_code, plain.headers["location"]) == (308, "https://blog.example.com/some?thing")
    entry = blog.json("domains", "list", "blog")["domains"][0]
    assert (entry["dns"]["right"], entry["certificate"]["state"]) == (True, "valid")
    assert "Caddy Local Authority" in entry["certificate"]["issuer"]
    assert blog.do("open", "blog").out.strip() == "https://blog.example.com"
    assert blog.json("status")["apps"][0]["address"] == "https://blog.example.com"


@pytest.mark.contract("P9")
def test_dns_is_looked_at_before_a_domain_goes_live(blog: ServerPlatform) -> None:
    """What was found and what was expected is named; nothing changes until the records are right."""
    dns, name = blog.net.dns, "checked.example.com"
    for addresses, words in (
        ((), ["DNS knows no checked.example.com", "Expected: A 192.0.2.10 and AAAA 2001:db8::10"]),
        ((ELSEWHERE,), ["It leads to 192.0.2.99", "Found: A 192.0.2.99.", "Expected: A 192.0.2.10"]),
        ((HERE, ELSEWHERE), ["It leads to 192.0.2.99", "Found: A 192.0.2.10, A 192.0.2.99."]),
        ((HERE, "2001:db8::99"), ["visitors with IPv6 would come to 2001:db8::99", "Found: A 192.0.2.10, AAAA 2001"]),
    ):
        dns.point(name, *addresses)
        said = blog.refused("domains", "add", "blog", name).err
        assert all(word in said for word in [*words, "nothing was changed", "--skip-dns-check"]), said
    assert names_of(blog) == []
    assert host_variable(blog) == "box.example.com"
    dns.records[name, "CNAME"] = ["other.example.com"]
    dns.point("other.example.com", ELSEWHERE)
    assert "Found: CNAME other.example.com, A 192.0.2.99." in blog.refused("domains", "add", "blog", name).err
    dns.point("other.example.com", HERE)
    blog.do("domains", "add", "blog", name)
    blog.wait_for_certificate(name)
    assert names_of(blog) == [name]


@pytest.mark.contract("P9")
def test_the_first_domain_becomes_the_primary_and_the_app_learns_of_it(blog: ServerPlatform) -> None:
    """At the next deploy, and not before; the running instance is not touched."""
    before = blog.get("blog").json()["pid"]
    assert host_variable(blog) == "box.example.com"
    blog.add_domain("blog", "first.example.com")
    blog.add_domain("blog", "second.example.com")
    assert host_variable(blog) == "first.example.com"
    assert blog.get("blog").json()["pid"] == before
    assert [one["liveness"] for one in blog.json("env", "list", "blog") if one["name"] == "PHX_HOST"] == [
        "saved, not live"
    ]
    blog.do("redeploy", "blog")
    assert seen_host(blog, "first.example.com") == "first.example.com"
    said = blog.do("domains", "primary", "blog", "second.example.com").out
    assert "PHX_HOST is second.example.com now. Let the app know: potions redeploy blog" in said
    assert names_of(blog) == ["second.example.com", "first.example.com"]
    assert "Its primary domain is first.example.com." in (
        blog.do("domains", "remove", "blog", "second.example.com", "--yes").out
    )
    assert host_variable(blog) == "first.example.com"
    assert not blog.has_certificate("second.example.com")
    assert blog.visit("https://first.example.com/").status_code == 200


def seen_host(server: ServerPlatform, name: str) -> str:
    """PHX_HOST as the process has it that answers at a domain."""
    pid = server.visit(f"https://{name}/").json()["pid"]
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(entry for entry in entries if entry.startswith(b"PHX_HOST=")).decode().partition("=")[2]


def test_a_host_that_somebody_set_stays_and_this_is_said(blog: ServerPlatform) -> None:
    """With the command that would change it."""
    blog.do("env", "set", "blog", "PHX_HOST=mine.example.com")
    blog.net.dns.point("set.example.com", HERE)
    said = blog.do("domains", "add", "blog", "set.example.com").out
    assert "To change it: potions env set blog PHX_HOST=set.example.com" in said
    assert host_variable(blog) == "mine.example.com"


def test_one_name_without_a_certificate_touches_no_other(blog: ServerPlatform) -> None:
    """The others answer on, can be added to and deployed; what is wrong with the one is told."""
    blog.add_domain("blog", "good.example.com")
    blog.client.create_app("shop")
    blog.net.dns.failing.add(DENIED)
    added = blog.do("domains", "add", "shop", DENIED, "--skip-dns-check")
    assert f"Warning: DNS could not be asked for {DENIED}" in added.err
    wait_for(lambda: certificate_of(blog, "shop")["state"] == "failed", "the authority says no", 120)
    assert certificate_of(blog, "shop")["failure"]
    listed = blog.do("domains", "list", "shop").out
    assert "does not lead here" in listed
    assert "no certificate at the last try" in listed
    assert blog.visit("https://good.example.com/").json()["version"] == "1"
    blog.add_domain("blog", "also.example.com")
    assert blog.visit("https://also.example.com/").json()["version"] == "1"
    assert certificate_of(blog, "blog")["state"] == "valid"


def certificate_of(server: ServerPlatform, app: str) -> dict[str, Any]:
    found: dict[str, Any] = server.json("domains", "list", app)["domains"][0]["certificate"]
    return found


def test_a_websocket_lives_through_a_switch_and_through_new_domains(
    blog: ServerPlatform, release: Callable[..., Path]
) -> None:
    """By wss: the one of another app is not cut by a deploy or a reload; the own one ends with a close frame."""
    blog.client.create_app("chat")
    blog.do("deploy", str(release("1", manifest=DRAIN)), "--app", "chat")
    blog.add_domain("blog", "ws.example.com")
    blog.add_domain("chat", "chat.example.com")
    tls = blog.net.visitor()
    address = (HERE, 443)
    with (
        WebSocketWatch(address, "ws.example.com", tls=tls) as own,
        WebSocketWatch(address, "chat.example.com", tls=tls) as other,
    ):
        assert own.wait_for_more(1)
        blog.add_domain("chat", "chat2.example.com")
        assert own.wait_for_more(2)
        assert other.wait_for_more(2)
        blog.do("deploy", str(release("2", manifest=DRAIN)), "--app", "blog")
        assert blog.visit("https://ws.example.com/").json()["version"] == "2"
        assert own.wait_ended(30)
        assert own.close_code == 1001
        assert other.wait_for_more(2)


def test_what_comes_by_https_is_in_flight(blog: ServerPlatform) -> None:
    """A drain waits for it."""
    blog.add_domain("blog", "slow.example.com")
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(blog.visit("https://slow.example.com/slow?seconds=4")))
    asking.start()
    wait_for(lambda: blog.client.app("blog").summary.in_flight == 1, "it is in flight")
    asking.join()
    assert answers[0].status_code == 200
    assert blog.client.app("blog").summary.in_flight == 0


def test_a_check_asks_for_the_host_that_visitors_ask_for(blog: ServerPlatform, release: Callable[..., Path]) -> None:
    """An app that answers at its domain alone becomes healthy once it has it."""
    strict = '[health]\npath = "/"\ntimeout = "3s"\n'
    assert blog.run(
        "deploy", str(release("2", manifest=strict, only_host="strict.example.com")), "--app", "blog"
    ).status
    blog.add_domain("blog", "strict.example.com")
    blog.do("deploy", str(release("3", manifest=strict, only_host="strict.example.com")), "--app", "blog")
    assert blog.visit("https://strict.example.com/").json()["version"] == "3"


def test_a_domain_of_the_platform_or_of_another_app_is_refused(blog: ServerPlatform) -> None:
    """Each with its reason."""
    blog.add_domain("blog", "taken.example.com")
    blog.client.create_app("shop")
    assert "a domain of another app, blog" in blog.refused("domains", "add", "shop", "taken.example.com").err
    assert "The dashboard of this server answers there" in blog.refused("domains", "add", "shop", DASHBOARD).err
    meant = blog.refused("domains", "add", "shop", "https://shop.example.com/cart").err
    assert "Did you mean shop.example.com?" in meant
    assert (
        "blog has no domain taken.example.org." in blog.refused("domains", "primary", "blog", "taken.example.org").err
    )
    assert "was not confirmed" in blog.refused("domains", "remove", "blog", "taken.example.com").err
    assert names_of(blog) == ["taken.example.com"]


def test_an_app_without_a_domain_says_how_it_gets_one(blog: ServerPlatform) -> None:
    """It has no address that anybody could open."""
    assert "potions domains add blog DOMAIN" in blog.refused("open", "blog").err
    assert "blog has no domain yet." in blog.do("domains", "list", "blog").out
    assert "no domain yet" in blog.do("status").out


def test_a_deleted_app_says_which_domains_it_lost(blog: ServerPlatform) -> None:
    """It keeps them until another app takes them; what is left serves again when it comes back."""
    blog.add_domain("blog", "mine.example.com")
    blog.add_domain("blog", "wanted.example.com")
    blog.do("apps", "delete", "blog", "--yes")
    assert not blog.has_certificate("mine.example.com")
    blog.client.create_app("shop")
    blog.add_domain("shop", "wanted.example.com")
    back = blog.do("apps", "restore", "blog").out
    assert "wanted.example.com went to shop while blog was deleted." in back
    assert names_of(blog) == ["mine.example.com"]
    blog.wait_for_certificate("mine.example.com")
    wait_for(lambda: blog.visit("https://mine.example.com/").status_code == 200, "it serves again")


def test_domains_are_there_after_everything_was_started_again(blog: ServerPlatform) -> None:
    """The certificate too: no authority is asked for another one."""
    blog.add_domain("blog", "kept.example.com")
    blog.do("down")
    blog.up()
    blog.wait_for_certificate("kept.example.com")
    wait_for(lambda: blog.visit("https://kept.example.com/").status_code == 200, "the app is up")
    got = blog.home.certificate_log.read_text().count('"obtained successfully","identifier":"kept.example.com"')
    assert got <= 1


def test_the_dashboard_answers_at_its_own_domain(server: ServerPlatform) -> None:
    """One-time links lead there, and its cookies are for HTTPS and this host alone."""
    server.wait_for_certificate(DASHBOARD)
    address = server.json("dashboard")["address"]
    assert re.match(rf"https://{re.escape(DASHBOARD)}/welcome/\S+", address)
    with httpx.Client(verify=server.net.visitor(), trust_env=False, timeout=60) as browser:
        page = browser.get(address)
        assert page.status_code == 200
        cookies = page.headers.get_list("set-cookie")
        assert cookies
        assert all(one.startswith("__Host-potions-") and "Secure" in one and "Path=/" in one for one in cookies)
        token = re.search(r'name="_csrf_token" value="(\w+)"', page.text)
        assert token
        form = {"_csrf_token": token[1], "name": "ana", "password": "a long password 4711"}
        joined = browser.post(address, data=form, headers={"Origin": f"https://{DASHBOARD}"})
        assert joined.status_code == 303, joined.text
        assert browser.get(f"https://{DASHBOARD}/").status_code == 200


def test_below_a_wildcard_every_app_has_a_name_by_itself() -> None:
    """It is the address and PHX_HOST until there is a domain, and goes on to serve; nobody can take it."""
    with small_internet() as net, server_platform(net, wildcard="apps.example.com") as server:
        net.dns.point("blog.apps.example.com", HERE)
        made = server.client.create_app("blog")
        assert made.summary.address == "https://blog.apps.example.com"
        assert host_variable(server) == "blog.apps.example.com"
        server.wait_for_certificate("blog.apps.example.com")
        assert server.visit("https://blog.apps.example.com/").text == "nothing runs here now"
        refused = server.refused("domains", "add", "blog", "shop.apps.example.com").err
        assert "potions apps create shop" in refused
        assert "cannot be removed" in server.refused("domains", "remove", "blog", "blog.apps.example.com", "--yes").err
        server.add_domain("blog", "own.example.com")
        assert names_of(server) == ["own.example.com", "blog.apps.example.com"]
        assert server.has_certificate("blog.apps.example.com")
        dashboard = server.do("dashboard").out
        assert f"ssh -L {server.http_port}:127.0.0.1:{server.http_port} USER@box.example.com" in dashboard
