"""What DNS says of a name, asked as visitors' computers ask: no ``/etc/hosts``, no search domain."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import psutil

from potions.model.domain_dns import DnsAnswer
from potions.settings import ServerSettings

#: Seconds that one question may take with all its tries.
PATIENCE = 4.0
_FAMILIES = {socket.AF_INET, socket.AF_INET6}


class Dns:
    """Asks the computer's own DNS servers, or those that are named."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53) -> None:
        self._servers = servers
        self._port = port

    def look(self, name: str) -> DnsAnswer:
        """The addresses of a name, within ``PATIENCE`` seconds. What could not be asked is said, not raised."""
        try:
            # Made anew each time: the computer's DNS servers may have changed since.
            resolver = self._resolver()
            with ThreadPoolExecutor(2) as pool:
                a, aaaa = pool.map(lambda kind: _ask(resolver, name, kind), ("A", "AAAA"))
        except dns.resolver.NXDOMAIN:
            return DnsAnswer(exists=False)
        except dns.exception.Timeout:
            return DnsAnswer(failure=f"no DNS server answered within {PATIENCE:g} s")
        except dns.resolver.NoNameservers:
            return DnsAnswer(failure="every DNS server failed at it")
        except (dns.exception.DNSException, OSError) as error:
            return DnsAnswer(failure=str(error) or type(error).__name__)
        return DnsAnswer(a=_addresses(a), aaaa=_addresses(aaaa), cname=_other_name(name, a) or _other_name(name, aaaa))

    def look_at_all(self, names: Sequence[str]) -> dict[str, DnsAnswer]:
        """The same of several names, eight at a time."""
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(names, pool.map(self.look, names), strict=True))

    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = list(self._servers)
            resolver.port = self._port
        resolver.lifetime = PATIENCE
        return resolver


def addresses_of(server: ServerSettings) -> list[str]:
    """The addresses that a name has to lead to: those that were named, or else the computer's own."""
    return list(server.addresses) or own_addresses()


def own_addresses() -> list[str]:
    """The addresses of this computer's interfaces, without those that lead nowhere else."""
    found = []
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family in _FAMILIES:
                parsed = ip_address(one.address.partition("%")[0])
                if not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified):
                    found.append(str(parsed))
    return sorted(set(found))


def _ask(resolver: dns.resolver.Resolver, name: str, kind: str) -> dns.resolver.Answer:
    return resolver.resolve(dns.name.from_text(name), kind, raise_on_no_answer=False, search=False)


def _addresses(answer: dns.resolver.Answer) -> tuple[str, ...]:
    return tuple(sorted(str(ip_address(record.address)) for record in answer.rrset or ()))


def _other_name(name: str, answer: dns.resolver.Answer) -> str:
    canonical = answer.canonical_name.to_text(omit_final_dot=True)
    return "" if canonical.lower() == name else canonical
