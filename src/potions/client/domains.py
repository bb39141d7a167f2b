"""What the agent is asked about the domains of an app."""

from __future__ import annotations

from potions.client.wire import Wire, app_path, segment
from potions.schema import AppDomains, DomainAdd, DomainsChanged


class DomainCalls(Wire):
    """At which names an app answers."""

    def domains(self, app: str, *, look: bool = False) -> AppDomains:
        """``look`` asks DNS and the proxy about each of them, which may take seconds."""
        return self._get(_path(app), AppDomains, **({"look": True} if look else {}))

    def add_domain(self, app: str, name: str, *, skip_dns_check: bool = False) -> DomainsChanged:
        return self._write("POST", _path(app), DomainsChanged, DomainAdd(name, skip_dns_check))

    def remove_domain(self, app: str, name: str) -> DomainsChanged:
        return self._write("DELETE", f"{_path(app)}/{segment(name)}", DomainsChanged)

    def make_domain_primary(self, app: str, name: str) -> DomainsChanged:
        return self._write("POST", f"{_path(app)}/{segment(name)}/primary", DomainsChanged)


def _path(app: str) -> str:
    return f"{app_path(app)}/domains"
