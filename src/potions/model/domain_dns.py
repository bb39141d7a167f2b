"""Whether the DNS records of a domain lead to this server, and what has to be changed where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from potions.errors import DomainElsewhere

#: What Cloudflare publishes as its own: a domain that is "proxied" there leads to these.
_CLOUDFLARE = tuple(
    map(
        ip_network,
        (
            *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18"),
            *("108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17"),
            *("162.158.0.0/15", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"),
            *("2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32"),
            *("2a06:98c0::/29", "2c0f:f248::/32"),
        ),
    )
)
SKIP = "--skip-dns-check"


class DnsAnswer(msgspec.Struct, frozen=True):
    """What DNS says of a name. Addresses are as ``ipaddress`` writes them."""

    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    cname: str = ""
    """The name it is another name for; empty where it is none."""
    exists: bool = True
    failure: str = ""
    """Why the question could not be answered; then the rest says nothing."""


class DnsCheck(msgspec.Struct, frozen=True):
    """How what DNS says compares with where this server is."""

    right: bool
    found: list[str]
    """Record by record, as ``A 203.0.113.7``; empty where there is none."""
    expected: list[str]
    """The records that lead here."""
    why: str = ""
    """What is wrong, in a sentence."""
    do: str = ""
    """What to change."""


def check_dns(name: str, answer: DnsAnswer, addresses: Sequence[str]) -> DnsCheck:
    """Compare. ``addresses`` are those of the server; every record of the name has to be one of them."""
    here = {ip_address(address) for address in addresses}
    found, expected = _records(answer), expected_records(addresses)
    if answer.failure:
        why = f"DNS could not be asked for {name}: {answer.failure}."
        return DnsCheck(False, [], expected, why, "Try again; look at the server's own DNS if it stays so.")
    strangers = [address for address in map(ip_address, (*answer.a, *answer.aaaa)) if address not in here]
    if not found or not (answer.a or answer.aaaa):
        missing = f"{name} has no address in DNS." if answer.exists else f"DNS knows no {name}."
        return DnsCheck(False, found, expected, missing, _make(answer.cname, expected))
    if not strangers:
        return DnsCheck(True, found, expected)
    return DnsCheck(False, found, expected, _elsewhere(name, answer, strangers), _change(strangers, expected, found))


def refuse_elsewhere(name: str, check: DnsCheck) -> None:
    """Raise DomainElsewhere where the records do not lead here: what was found, what was expected, what to do."""
    if check.right:
        return
    found = f" Found: {', '.join(check.found)}." if check.found else " Found: no record."
    raise DomainElsewhere(
        f"{name} does not lead to this server; nothing was changed.",
        why=f"{check.why}{found} Expected: {' and '.join(check.expected) or 'an address of this server'}.",
        do=f"{check.do} DNS may take minutes to hours to show a change. To add it all the same: {SKIP}",
    )


def _records(answer: DnsAnswer) -> list[str]:
    cname = [f"CNAME {answer.cname}"] if answer.cname else []
    return [*cname, *(f"A {one}" for one in answer.a), *(f"AAAA {one}" for one in answer.aaaa)]


def expected_records(addresses: Sequence[str]) -> list[str]:
    """The records that lead to these addresses; where some are of the Internet, those alone."""
    parsed = sorted(map(ip_address, addresses), key=lambda one: (one.version, int(one)))
    public = [address for address in parsed if address.is_global]
    return [f"{_kind(address)} {address}" for address in public or parsed]


def _kind(address: IPv4Address | IPv6Address) -> str:
    return "A" if address.version == 4 else "AAAA"


def _elsewhere(name: str, answer: DnsAnswer, strangers: Sequence[IPv4Address | IPv6Address]) -> str:
    if all(any(address in network for network in _CLOUDFLARE) for address in strangers):
        return f"{name} leads to Cloudflare's proxy, and not to this server itself."
    if answer.a and all(address.version == 6 for address in strangers):
        return f"Its A record is right, and visitors with IPv6 would come to {strangers[0]}, which is not here."
    other = ", ".join(map(str, strangers))
    return f"It leads to {other}, which is no address of this server."


def _change(strangers: Sequence[IPv4Address | IPv6Address], expected: Sequence[str], found: Sequence[str]) -> str:
    if all(any(address in network for network in _CLOUDFLARE) for address in strangers):
        return (
            'Turn the proxy off for this name ("DNS only", the grey cloud), so that certificates can be got here; '
            f"its record has to be {' and '.join(expected)}."
        )
    wrong = [f"{_kind(address)} {address}" for address in strangers]
    kinds = {record.split()[0] for record in expected}
    useless = [record for record in wrong if record.split()[0] not in kinds]
    if len(useless) == len(wrong) and not set(expected).isdisjoint(found):
        return f"Remove at your DNS provider: {', '.join(useless)}. This server has no such address."
    return f"Replace at your DNS provider {', '.join(wrong)} with {' and '.join(expected)}."


def _make(cname: str, expected: Sequence[str]) -> str:
    if cname:
        # Beside a CNAME no other record of the name is allowed.
        right = " and ".join(expected) or "a record with an address of this server"
        return f"Replace at your DNS provider CNAME {cname} with {right}; or give {cname} that record."
    return f"Make this record at your DNS provider: {' and '.join(expected) or 'one with an address of this server'}."
