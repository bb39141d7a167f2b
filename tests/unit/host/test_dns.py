"""DNS asked over a real socket, of a server that answers what the test says."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from potions.host import dns as asked
from potions.host.dns import Dns, own_addresses
from potions.model.domain_dns import DnsAnswer
from support.dns_server import DnsServer

NAME = "blog.example.com"


@pytest.fixture
def server() -> Iterator[DnsServer]:
    made = DnsServer()
    yield made
    made.close()


@pytest.fixture
def dns(server: DnsServer) -> Dns:
    return Dns(["127.0.0.1"], server.port)


def test_both_families_are_asked_for(server: DnsServer, dns: Dns) -> None:
    """In one look, each by its own question."""
    server.point(NAME, "192.0.2.10", "192.0.2.9", "2001:db8::10")
    assert dns.look(NAME) == DnsAnswer(("192.0.2.10", "192.0.2.9"), ("2001:db8::10",))
    assert sorted(server.asked) == [(NAME, "A"), (NAME, "AAAA")]


def test_a_name_that_is_another_names_alias_says_so(server: DnsServer, dns: Dns) -> None:
    """The addresses are the other one's."""
    server.records[NAME, "CNAME"] = ["host.example.net"]
    server.point("host.example.net", "192.0.2.10")
    assert dns.look(NAME) == DnsAnswer(("192.0.2.10",), (), "host.example.net")


def test_a_name_that_nobody_knows_is_told_from_one_without_an_address(server: DnsServer, dns: Dns) -> None:
    """Neither is a failure, and no search domain is tried."""
    server.records[NAME, "TXT"] = ['"hello"']
    assert dns.look(NAME) == DnsAnswer()
    assert dns.look("nobody.example.com") == DnsAnswer(exists=False)
    assert {one.name for one in server.asked} == {NAME, "nobody.example.com"}


def test_a_server_that_fails_is_a_failure(server: DnsServer, dns: Dns) -> None:
    """And no answer."""
    server.failing.add(NAME)
    assert "failed" in dns.look(NAME).failure


def test_a_server_that_keeps_silent_is_not_waited_for_long(
    server: DnsServer, dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look ends when its time is over."""
    monkeypatch.setattr(asked, "PATIENCE", 0.5)
    server.silent.add(NAME)
    began = time.monotonic()
    assert "no DNS server answered" in dns.look(NAME).failure
    assert time.monotonic() - began < 5


def test_several_names_are_asked_for_at_once(server: DnsServer, dns: Dns) -> None:
    """Each gets its own answer."""
    names = [f"app{number}.example.com" for number in range(20)]
    for number, name in enumerate(names):
        server.point(name, f"192.0.2.{number}")
    found = dns.look_at_all(names)
    assert [found[name].a for name in names] == [(f"192.0.2.{number}",) for number in range(20)]


def test_own_addresses_are_those_that_others_can_reach() -> None:
    """No loopback and none of a single link; where this computer has a way out, the address of it is there."""
    found = own_addresses()
    assert not [one for one in found if ip_address(one).is_loopback or ip_address(one).is_link_local]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return
        assert probe.getsockname()[0] in found
