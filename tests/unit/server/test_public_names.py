"""What the install says of a server's own names, asked of a DNS server over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from potions.host.dns import Dns
from potions.server.public_names import names_elsewhere
from potions.settings import ServerSettings
from support.dns_server import DnsServer

HERE = "203.0.113.7"
PLAIN = ServerSettings(address="box.example.com", addresses=(HERE,))
NAMED = msgspec.structs.replace(PLAIN, dashboard="potions.example.com", wildcard="apps.example.com")


@pytest.fixture
def server() -> Iterator[DnsServer]:
    made = DnsServer()
    yield made
    made.close()


def said(server: DnsServer, settings: ServerSettings | None) -> list[str]:
    return names_elsewhere(settings, Dns(["127.0.0.1"], server.port))


def test_names_that_lead_here_are_no_news(server: DnsServer) -> None:
    """The wildcard is asked for as it stands in DNS."""
    server.point("potions.example.com", HERE)
    server.point("*.apps.example.com", HERE)
    assert said(server, NAMED) == []
    assert {asked.name for asked in server.asked} == {"potions.example.com", "*.apps.example.com"}


def test_a_name_that_leads_elsewhere_is_told_with_the_record_to_make(server: DnsServer) -> None:
    """Each by itself: a name that DNS does not know, and one of another computer."""
    server.point("potions.example.com", "198.51.100.9")
    dashboard, wildcard = said(server, NAMED)
    assert dashboard.startswith("potions.example.com does not lead to this server yet")
    assert f"Replace at your DNS provider A 198.51.100.9 with A {HERE}." in dashboard
    assert "DNS knows no *.apps.example.com." in wildcard
    assert f"Make this record at your DNS provider: A {HERE}." in wildcard


def test_without_names_nothing_is_asked(server: DnsServer) -> None:
    """Neither on a server without them nor where there are no settings of one."""
    assert (said(server, PLAIN), said(server, None), server.asked) == ([], [], [])
