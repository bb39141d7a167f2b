"""Domains in the service, where no proxy runs: what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from potions.errors import DomainElsewhere, DomainRefused, DomainTaken, DomainUnknown, ProxyRefused, ServerNeeded
from potions.host.dns import Dns
from potions.layout import Home
from potions.model.app import App, Ports
from potions.names import AppName, DomainName
from potions.schema import DomainAdd
from potions.service import Service
from potions.settings import ServerSettings
from support.bare_home import bare_home
from support.dns_server import DnsServer
from support.still_service import still_service

HERE = "203.0.113.7"
NAME = "blog.example.com"
SETTINGS = ServerSettings(
    address="box.example.com", addresses=(HERE,), wildcard="apps.example.com", dashboard="potions.example.com"
)


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    made = DnsServer()
    yield made
    made.close()


@pytest.fixture
def server(dns: DnsServer) -> Iterator[Service]:
    with bare_home() as home, still_service(home, server=SETTINGS) as made:
        yield Service(replace(made.context, dns=Dns(["127.0.0.1"], dns.port)))


@pytest.fixture
def blog(server: Service) -> App:
    context = server.context
    made = context.store.create_app(AppName("blog"), lambda _: Ports(4000), context.automatic_values("blog"))
    context.trees.create(context.tree(made))
    return made


def test_an_embedded_home_has_no_domains(service: Service, app: App) -> None:
    """Every change is refused in words; the list says where the app is."""
    for call in (
        lambda: service.domains.add("blog", DomainAdd(NAME), "ana"),
        lambda: service.domains.remove("blog", NAME, "ana"),
        lambda: service.domains.make_primary("blog", NAME, "ana"),
    ):
        with pytest.raises(ServerNeeded, match="on this computer alone"):
            call()
    found = service.domains.domains("blog", look=True)
    assert (found.on_server, found.domains, found.expected) == (False, [], [])
    assert found.address.startswith("http://blog.localhost:")


def test_what_leads_elsewhere_is_refused_and_nothing_changes(server: Service, blog: App, dns: DnsServer) -> None:
    """Neither the domains nor what the app is told."""
    dns.point(NAME, "198.51.100.9")
    with pytest.raises(DomainElsewhere, match=r"A 198\.51\.100\.9"):
        server.domains.add("blog", DomainAdd(NAME), "ana")
    assert server.context.store.domains(blog.id) == []
    assert server.context.store.variables(blog.id)["PHX_HOST"].value == "blog.apps.example.com"


def test_what_the_proxy_refuses_is_taken_back(server: Service, blog: App, dns: DnsServer) -> None:
    """Here it is not there at all: neither the store nor the variable keeps what is not served."""
    dns.point(NAME, HERE)
    with pytest.raises(ProxyRefused):
        server.domains.add("blog", DomainAdd(NAME), "ana")
    assert server.context.store.domains(blog.id) == []
    assert server.context.store.variables(blog.id)["PHX_HOST"].value == "blog.apps.example.com"


def test_what_the_proxy_does_not_take_away_is_kept(server: Service, blog: App) -> None:
    """A removal and another primary too: each domain with when it was added, and what the app is told."""
    store = server.context.store
    for name in (NAME, "www.example.org"):
        store.add_domain(blog.id, DomainName(name), "", "ana")
    before = store.domains(blog.id)
    for change in (
        lambda: server.domains.remove("blog", NAME, "ana"),
        lambda: server.domains.remove("blog", "www.example.org", "ana"),
        lambda: server.domains.make_primary("blog", "www.example.org", "ana"),
    ):
        with pytest.raises(ProxyRefused):
            change()
        assert store.domains(blog.id) == before
        assert store.variables(blog.id)["PHX_HOST"].value == NAME


def test_domains_put_back_leave_what_another_app_got_meanwhile(server: Service, blog: App) -> None:
    """Two apps never have one."""
    store = server.context.store
    for name in (NAME, "www.example.org"):
        store.add_domain(blog.id, DomainName(name), "", "ana")
    before = store.domains(blog.id)
    store.remove_domain(blog.id, DomainName(NAME), "", "ana")
    shop = store.create_app(AppName("shop"), lambda _: Ports(4002), {})
    store.add_domain(shop.id, DomainName(NAME), "", "ana")
    store.set_domains(blog.id, before, "", "ana")
    assert [(one.name, one.primary) for one in store.domains(blog.id)] == [("www.example.org", True)]
    assert store.owner_of_domain(NAME) == "shop"
    assert store.owner_of_domain("nobody.example.com") is None


def test_an_apps_own_name_is_nobody_elses(dns: DnsServer) -> None:
    """Neither the dashboard's nor a domain of another app: nothing is made then."""
    settings = ServerSettings(address=HERE, wildcard="example.com", dashboard="admin.example.com")
    with bare_home() as home, still_service(home, server=settings) as server:
        store = server.context.store
        blog = store.create_app(AppName("blog"), lambda _: Ports(4000), {})
        store.add_domain(blog.id, DomainName("good.example.com"), HERE, "ana")
        with pytest.raises(DomainTaken, match="another app, blog"):
            server.apps.create("good")
        with pytest.raises(DomainRefused, match="The dashboard"):
            server.apps.create("admin")
        assert [app.name for app in store.apps()] == ["blog"]


def test_what_the_platform_answers_at_is_refused_before_dns_is_asked(
    server: Service, blog: App, dns: DnsServer
) -> None:
    """The dashboard's own name, and whatever is below the wildcard; the wildcard's own name is nobody's yet."""
    for name in ("potions.example.com", "shop.apps.example.com", "a.b.apps.example.com", "not a name"):
        with pytest.raises(DomainRefused):
            server.domains.add("blog", DomainAdd(name), "ana")
    assert dns.asked == []
    with pytest.raises(DomainElsewhere):
        server.domains.add("blog", DomainAdd("apps.example.com"), "ana")


def test_a_domain_of_another_app_is_refused_before_dns_is_asked(server: Service, blog: App, dns: DnsServer) -> None:
    """With the name of that app."""
    shop = server.context.store.create_app(AppName("shop"), lambda _: Ports(4002), {})
    server.context.store.add_domain(shop.id, DomainName(NAME), HERE, "ana")
    with pytest.raises(DomainTaken, match="another app, shop"):
        server.domains.add("blog", DomainAdd(NAME), "ana")
    assert dns.asked == []


def test_a_domain_that_the_app_does_not_have_is_unknown(server: Service, blog: App) -> None:
    """And the one that it has by itself stays."""
    with pytest.raises(DomainUnknown):
        server.domains.remove("blog", NAME, "ana")
    with pytest.raises(DomainUnknown):
        server.domains.make_primary("blog", NAME, "ana")
    with pytest.raises(DomainRefused, match="cannot be removed"):
        server.domains.remove("blog", "blog.apps.example.com", "ana")


def test_a_look_says_how_each_name_stands(server: Service, blog: App, dns: DnsServer) -> None:
    """The domains first; without a look nobody is asked."""
    server.context.store.add_domain(blog.id, DomainName(NAME), HERE, "ana")
    dns.point(NAME, HERE)
    quick = server.domains.domains("blog", look=False)
    assert [(one.name, one.primary, one.dns) for one in quick.domains] == [
        (NAME, True, None),
        ("blog.apps.example.com", False, None),
    ]
    assert dns.asked == []
    looked = server.domains.domains("blog", look=True)
    assert [one.dns is not None and one.dns.right for one in looked.domains] == [True, False]
    assert looked.expected == [f"A {HERE}"]


def test_an_app_is_asked_for_as_visitors_ask_for_it(server: Service, blog: App) -> None:
    """By its primary domain; before it has one by what it is told, or by what it would be told."""
    names = server.context.names
    assert names.asked_host(blog, "") == "blog.apps.example.com"
    assert names.asked_host(blog, "mine.example.com") == "mine.example.com"
    server.context.store.add_domain(blog.id, DomainName(NAME), HERE, "ana")
    assert names.asked_host(blog, "mine.example.com") == NAME


def test_where_a_server_has_no_wildcard_an_app_is_told_the_servers_own_name(home: Home) -> None:
    """And has no address of its own."""
    with bare_home() as own, still_service(own, server=ServerSettings(address="box.example.com")) as made:
        assert made.context.automatic_values("blog")["PHX_HOST"] == "box.example.com"
        assert made.context.names.public("blog") == []
        app = made.context.store.create_app(AppName("blog"), lambda _: Ports(4000), {})
        assert made.context.names.address(app, []) == ""
