"""Domains before the real Caddy of a server, whose certificates are its own: the port ``Proxy`` of ``flows.ports``."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from potions.errors import ProxyRefused
from potions.host.below import Below
from potions.host.caddy import Caddy
from potions.host.certificates import look_at_certificates
from potions.host.trees import Trees
from potions.layout import Colour, Home
from potions.model.certificate import CertificateState
from potions.settings import Certificates, ServerSettings
from support.app_server import AppServer
from support.bare_home import app_account, bare_home, running_caddy
from support.platform import free_port, wait_for
from support.small_internet import HERE, SmallInternet, small_internet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace of its own")

INTERNAL = ServerSettings(address=HERE, certificates=Certificates(internal=True))
NAMES = ("blog.example.com", "www.blog.example.com", "shop.example.com", "other.example.com")


@dataclass
class Stage:
    """A server's proxy, and the names of the apps behind it."""

    net: SmallInternet
    home: Home
    trees: Trees
    names: dict[str, list[str]] = field(default_factory=dict)
    proxy: Caddy = field(init=False)
    closing: ExitStack = field(init=False)

    def server(self, name: str) -> int:
        """Have an app's slot listen; its port."""
        server = AppServer(name)
        for end in (server.server_close, server.shutdown, server.let_go.set):
            self.closing.callback(end)
        return server.server_port

    def put(self, app: str, *names: str, green: int, gated: bool = False) -> bool:
        self.names[app] = list(names)
        tree = self.home.app(app)
        if not tree.root.exists():
            self.trees.create(tree)
        changed = self.proxy.put_site(app, (free_port(), green), tree, gated=gated)
        for name in names:
            wait_for(lambda name=name: self.has_certificate(name), f"a certificate of {name}")  # type: ignore[misc]
        return changed

    def has_certificate(self, name: str) -> bool:
        return look_at_certificates([name], self.home.certificate_log)[name].state is CertificateState.VALID

    def get(self, url: str) -> str:
        """What a visitor sees who knows the server's own authority."""
        root = self.home.caddy_data / "pki" / "authorities" / "local" / "root.crt"
        context = ssl.create_default_context(cafile=str(root))
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        answer = httpx.get(url, verify=context, timeout=30, trust_env=False)
        return f"{answer.status_code} {answer.text}"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with small_internet() as net, bare_home() as home:
        for name in NAMES:
            net.dns.point(name, HERE)
        made = Stage(net, home, Trees(app_account(), Below(app_account())))
        with (
            running_caddy(home, server=INTERNAL, public_names=lambda app: made.names.get(app, [])) as made.proxy,
            ExitStack() as made.closing,
        ):
            yield made


def test_the_names_of_an_app_are_served_by_https_and_its_plain_name_here_alone(stage: Stage) -> None:
    """Its own authority signs them; a name that no app has is told so, and gets no certificate."""
    stage.put("blog", *NAMES[:2], green=stage.server("blog"))
    assert [stage.get(f"https://{name}/") for name in NAMES[:2]] == ["200 blog"] * 2
    assert stage.get("http://www.blog.example.com/").startswith("308 ")
    plain = f"http://127.0.0.1:{stage.proxy.own_port}/"
    assert httpx.get(plain, headers={"Host": "blog.localhost"}).text == "blog"
    assert stage.get("http://other.example.com/") == "404 no app of that name here"
    with pytest.raises(httpx.ConnectError):
        stage.get("https://other.example.com/")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{HERE}:{stage.proxy.own_port}/", headers={"Host": "blog.localhost"})


def test_a_site_changes_with_the_names_of_its_app(stage: Stage) -> None:
    """One more is served, one less is not; the same ones again load nothing."""
    port = stage.server("blog")
    tree = stage.home.app("blog")
    stage.trees.create(tree)
    ports = (free_port(), port)
    for names, changed in ((NAMES[:1], True), (NAMES[:2], True), (NAMES[:2], False), (NAMES[1:2], True)):
        stage.names["blog"] = list(names)
        assert stage.proxy.put_site("blog", ports, tree, gated=False) is changed
    wait_for(lambda: stage.has_certificate(NAMES[1]), "a certificate")
    assert stage.get(f"https://{NAMES[1]}/") == "200 blog"
    assert not stage.has_certificate("blog.example.com")
    stage.proxy.remove_site("blog")
    assert not stage.has_certificate(NAMES[1])


def test_a_refused_site_with_domains_is_taken_back(stage: Stage) -> None:
    """What was before stays in force, for this app and for the others."""
    stage.put("blog", "blog.example.com", green=stage.server("blog"))
    stage.put("shop", "shop.example.com", green=stage.server("shop"))
    before = stage.home.site("shop").read_bytes()
    stage.names["shop"].append("two words and a {")
    with pytest.raises(ProxyRefused) as refused:
        stage.proxy.put_site("shop", (1, 2), stage.home.app("shop"), gated=False)
    # What it says, and not the line of JSON that it says it in.
    assert '"level"' not in refused.value.why
    assert refused.value.do.endswith("potions doctor")
    assert stage.home.site("shop").read_bytes() == before
    assert stage.get("https://blog.example.com/") == "200 blog"
    assert stage.get("https://shop.example.com/") == "200 shop"


def test_who_waits_at_a_gate_by_https_goes_on_where_it_leads(stage: Stage) -> None:
    """To the slot that was waited for; or to the proxy's own port, which says what is wrong with the app."""
    green, own = stage.server("blog"), stage.proxy.own_port
    stage.put("blog", "blog.example.com", green=green, gated=True)
    tree = stage.home.app("blog")
    for port, answer in ((green, "200 blog"), (own, "503 nothing runs here now")):
        stage.trees.hold_requests(tree, Colour.GREEN, (green, own))
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(stage.get, "https://blog.example.com/") for _ in range(2)]
            wait_for(lambda: _waiting(stage, "blog") == 2, "two wait")
            if port == own:
                # As where the new slot failed and the old one did not come back.
                stage.trees.point(tree, Colour.BLUE, sync=False)
            stage.trees.let_requests_go(tree, Colour.GREEN, port)
            assert [one.result() for one in waiting] == [answer] * 2
        stage.trees.end_hold(tree, Colour.GREEN)


def _waiting(stage: Stage, app: str) -> int:
    return stage.proxy.in_flight(app, Colour.GREEN, 0)
