"""What must hold of the look at a domain's records."""

from __future__ import annotations

import pytest

from potions.errors import DomainElsewhere
from potions.model.domain_dns import DnsAnswer, DnsCheck, check_dns, expected_records, refuse_elsewhere

NAME = "blog.example.com"
#: Addresses that count as those of the Internet.
HERE = ("93.184.215.14", "2606:2800:21f:cb07::1")


def check(*addresses: str, cname: str = "", here: tuple[str, ...] = HERE) -> DnsCheck:
    a = tuple(one for one in addresses if ":" not in one)
    aaaa = tuple(one for one in addresses if ":" in one)
    return check_dns(NAME, DnsAnswer(a, aaaa, cname), here)


@pytest.mark.parametrize("found", [HERE[:1], HERE[1:], HERE])
def test_records_that_lead_here_are_right(found: tuple[str, ...]) -> None:
    """One family is enough, and an address is the same however it is written."""
    assert check(*found).right
    assert check_dns(NAME, DnsAnswer(aaaa=("2606:2800:21f:cb07:0:0:0:1",)), HERE).right


def test_no_record_names_the_one_to_make() -> None:
    """Whether the name is unknown or only has no address."""
    for answer in (DnsAnswer(exists=False), DnsAnswer()):
        seen = check_dns(NAME, answer, HERE)
        assert (seen.right, seen.found) == (False, [])
        assert "A 93.184.215.14 and AAAA 2606:2800:21f:cb07::1" in seen.do


def test_an_address_elsewhere_is_wrong_also_beside_a_right_one() -> None:
    """Every second visitor would come to the other one."""
    seen = check("93.184.215.14", "198.51.100.9")
    assert not seen.right
    assert "198.51.100.9" in seen.why
    assert "Replace at your DNS provider A 198.51.100.9 with A 93.184.215.14" in seen.do


def test_visitors_with_ipv6_count() -> None:
    """A right A record does not make up for a AAAA record that leads elsewhere."""
    seen = check("93.184.215.14", "2001:db8::9")
    assert "visitors with IPv6 would come to 2001:db8::9" in seen.why


def test_a_record_of_a_kind_the_server_has_none_of_is_to_go() -> None:
    """Nothing could stand in its place."""
    seen = check("93.184.215.14", "2001:db8::9", here=HERE[:1])
    assert seen.do == "Remove at your DNS provider: AAAA 2001:db8::9. This server has no such address."


def test_where_nothing_leads_here_the_record_to_make_is_named() -> None:
    """Also where what is there is of the other kind: without it, nothing would be left."""
    seen = check("2001:db8::9", here=HERE[:1])
    assert seen.do == "Replace at your DNS provider AAAA 2001:db8::9 with A 93.184.215.14."


def test_a_cname_to_nowhere_is_replaced() -> None:
    """Beside it no other record of the name is allowed."""
    seen = check(cname="host.example.net", here=HERE[:1])
    assert seen.do.startswith("Replace at your DNS provider CNAME host.example.net with A 93.184.215.14; or give host")


def test_a_cname_is_shown() -> None:
    """It is where the record has to be changed."""
    assert check("198.51.100.9", cname="host.example.net").found == ["CNAME host.example.net", "A 198.51.100.9"]


@pytest.mark.parametrize("address", ["104.16.1.1", "172.67.3.4", "2606:4700::6810:1"])
def test_a_proxy_in_front_is_called_by_its_name(address: str) -> None:
    """With what to switch off there."""
    seen = check(address)
    assert "Cloudflare" in seen.why
    assert "grey cloud" in seen.do
    assert "Cloudflare" not in check(address, "198.51.100.9").why


def test_what_could_not_be_asked_is_not_taken_for_an_answer() -> None:
    """It is neither right nor empty."""
    seen = check_dns(NAME, DnsAnswer(failure="no DNS server answered within 4 s"), HERE)
    assert not seen.right
    assert "no DNS server answered" in seen.why


def test_addresses_of_the_internet_are_expected_where_there_are_any() -> None:
    """Those of a network of its own count as well, and are asked for only where there are no others."""
    assert expected_records(["10.0.0.5", *HERE]) == ["A 93.184.215.14", "AAAA 2606:2800:21f:cb07::1"]
    assert expected_records(["fd00::5", "10.0.0.5"]) == ["A 10.0.0.5", "AAAA fd00::5"]
    assert check("10.0.0.5", here=("10.0.0.5", *HERE)).right


def test_the_refusal_has_what_was_found_and_what_was_expected() -> None:
    """And the way around it; what is right is not refused."""
    refuse_elsewhere(NAME, check(*HERE))
    with pytest.raises(DomainElsewhere) as refused:
        refuse_elsewhere(NAME, check("198.51.100.9"))
    assert "Found: A 198.51.100.9. Expected: A 93.184.215.14 and AAAA" in refused.value.why
    assert "--skip-dns-check" in refused.value.do
