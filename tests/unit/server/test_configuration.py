"""The settings of a server: what was asked for, over what it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from potions.errors import UsageRefused
from potions.server.configuration import Wishes, wanted_settings
from potions.settings import Certificates, ServerSettings


def test_a_first_install_finds_an_address_and_leaves_the_rest_plain() -> None:
    """The ports are the usual ones, apps run as deploy."""
    found = wanted_settings(Wishes(), None)
    assert (found.http_port, found.first_port, found.app_user) == (8480, 4000, "deploy")
    assert found.server is not None
    assert found.server.address
    assert found.server.certificates == Certificates()


def test_what_is_not_named_stays_and_an_empty_text_takes_away() -> None:
    """Also the token, or the agent could not ask its proxy any more."""
    first = wanted_settings(Wishes(address="203.0.113.7", dashboard="p.example.com", email="a@example.com"), None)
    second = wanted_settings(Wishes(wildcard="apps.example.com", internal_certificates=True, dashboard=""), first)
    assert second.probe_token == first.probe_token
    assert second.server == ServerSettings(
        address="203.0.113.7",
        wildcard="apps.example.com",
        certificates=Certificates(internal=True, email="a@example.com"),
    )
    assert wanted_settings(Wishes(), second) == second


def test_the_root_of_an_authority_goes_with_its_address(tmp_path: Path) -> None:
    """It is kept where the proxy's user can read it; without the address there is none."""
    root = tmp_path / "root.pem"
    root.write_text("-----BEGIN CERTIFICATE-----\n")
    known = wanted_settings(Wishes(acme_directory="https://ca.internal/acme", acme_root=root), None)
    assert known.server is not None
    assert known.server.certificates.root == "/var/lib/potions-caddy/acme-root.pem"
    without = wanted_settings(Wishes(acme_directory=""), known)
    assert without.server is not None
    assert without.server.certificates == Certificates()


@pytest.mark.parametrize(
    "wish",
    [
        {"address": "https://example.com"},
        {"address": "a b"},
        {"address": ""},
        {"wildcard": "*.example.com"},
        {"wildcard": "example"},
        {"dashboard": "https://example.com"},
        {"dashboard": "Example.com"},
        {"dashboard": "a.b\n{"},
        {"email": "nobody"},
        {"email": "a@b{"},
        {"acme_directory": "http://example.com"},
        {"acme_directory": "https://a b"},
        {"acme_root": Path("/nowhere")},
        {"acme_root": Path("/etc/passwd")},
    ],
)
def test_what_cannot_be_is_refused(wish: dict[str, Any]) -> None:
    """With the option's name, before anything is done."""
    with pytest.raises(UsageRefused, match=f"--{next(iter(wish)).replace('_', '-')}"):
        wanted_settings(Wishes(**wish), None)


def test_the_dashboard_is_at_its_domain_or_on_this_computer() -> None:
    """As its unit, its cookies and the commands say it."""
    assert wanted_settings(Wishes(dashboard="p.example.com"), None).dashboard_address == "https://p.example.com"
    assert wanted_settings(Wishes(), None).dashboard_address == "http://potions.localhost:8480"
