"""The names that a server itself is given: whether DNS leads them here already."""

from __future__ import annotations

from potions.host.dns import Dns, addresses_of
from potions.model.domain_dns import check_dns
from potions.settings import ServerSettings


def names_elsewhere(server: ServerSettings | None, dns: Dns) -> list[str]:
    """What a person should know of the dashboard's domain and of the wildcard, and do about them. It may take seconds.

    Nobody is kept from going on: records may be made later, and something in between may lead here.
    """
    if server is None:
        return []
    names = [name for name in (server.dashboard, server.wildcard and f"*.{server.wildcard}") if name]
    addresses = addresses_of(server)
    checks = [check_dns(name, answer, addresses) for name, answer in dns.look_at_all(names).items()]
    return [
        f"{name} does not lead to this server yet, and nobody comes here by it before it does. {check.why} {check.do}"
        for name, check in zip(names, checks, strict=True)
        if not check.right
    ]
