"""How the address of a server may be typed."""

from __future__ import annotations

import pytest

from potions.errors import ServerAddressRefused
from potions.ssh.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("anna@example.org", Address("anna", "example.org")),
        ("root@10.0.0.1:2222", Address("root", "10.0.0.1", 2222)),
        ("deploy-1@shop", Address("deploy-1", "shop")),
        ("me@[2001:db8::1]", Address("me", "2001:db8::1")),
        ("me@[fe80::1%eth0]:22", Address("me", "fe80::1%eth0", 22)),
        ("a.b+c_d@my_host", Address("a.b+c_d", "my_host")),
    ],
)
def test_an_address_comes_back_as_it_was_typed(text: str, address: Address) -> None:
    """With a user, a host, and perhaps a port."""
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.org", "@example.org", "anna@", "anna@:22", "anna@host:", "anna@host:0", "anna@host:65536"),
        *("anna@host:+22", "anna@host:٢٢", "anna@host:999999999999", "anna@2001:db8::1", "anna@[2001:db8::1", "a@b@c"),
        *("-oProxyCommand=x@host", "anna@-oProxyCommand=x", "an na@host", "anna@ho st", "anna@host\n", "anna@h;st"),
        *("anna@$(id)", "anna@host/..", "an'na@host", "a\0@host", "anna@host:22\n", "anna@.host", "anna@host."),
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    """Before it reaches any program: no option, no command and no line's end can be smuggled in."""
    with pytest.raises(ServerAddressRefused, match="is not the address of a server"):
        parse_address(text)
