"""The Domains tab: the names an app answers at, with DNS and certificate of each; added, removed, made the primary."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.visit import Visit, Visited
from potions.errors import DomainElsewhere, DomainUnknown, PotionsError
from potions.schema import CertificateState, DomainEntry, DomainsChanged, HostOutcome, Role


class DomainPages(Controller):
    """Where people find the app."""

    path = "/apps/{name:str}/domains"

    @get(sync_to_thread=True)
    def all(self, visit: Visited, name: FromPath[str]) -> Template:
        return _tab(visit, name)

    @post(sync_to_thread=True)
    def add(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        wanted = text(data, "domain")
        try:
            changed = visit.agent.add_domain(name, wanted, skip_dns_check="skip" in data)
        except PotionsError as refused:
            return _tab(visit, name, refused=refused, typed=wanted)
        return visit.go(f"/apps/{name}/domains", f"{changed.name} is added. {_host(changed)}")

    @post("/{domain:str}/primary", sync_to_thread=True)
    def make_primary(self, visit: Visited, name: FromPath[str], domain: FromPath[str]) -> Redirect:
        changed = visit.agent.make_domain_primary(name, domain)
        return visit.go(f"/apps/{name}/domains", f"{changed.primary} is the primary domain. {_host(changed)}")

    @get("/{domain:str}/remove", sync_to_thread=True, needs=Role.OWNER)
    def ask_to_remove(self, visit: Visited, name: FromPath[str], domain: FromPath[str]) -> Template:
        found = visit.agent.domains(name)
        one = _named(domain, name, found.domains)
        rest = [other for other in found.domains if other.name != one.name and not other.automatic]
        return visit.tab("domains", name, "app/domain_remove.html", domain=one, rest=rest)

    @post("/{domain:str}/remove", sync_to_thread=True)
    def remove(self, visit: Visited, name: FromPath[str], domain: FromPath[str]) -> Redirect:
        changed = visit.agent.remove_domain(name, domain)
        return visit.go(f"/apps/{name}/domains", f"{changed.name} is removed. {_host(changed)}")


def _tab(visit: Visit, name: str, *, refused: PotionsError | None = None, typed: str = "") -> Template:
    found = visit.agent.domains(name, look=True)
    return visit.tab(
        "domains",
        name,
        "app/domains.html",
        status=200 if refused is None else refused.http_status,
        found=found,
        coming=any(one.certificate and one.certificate.state is CertificateState.COMING for one in found.domains),
        refused=refused,
        may_skip=isinstance(refused, DomainElsewhere),
        typed=typed,
    )


def _named(domain: str, app: str, domains: list[DomainEntry]) -> DomainEntry:
    found = [one for one in domains if one.name == domain and not one.automatic]
    if not found:
        raise DomainUnknown(domain[:60], app)
    return found[0]


def _host(changed: DomainsChanged) -> str:
    """What became of the variable that tells the app."""
    return {
        HostOutcome.CHANGED: f"PHX_HOST is {changed.host_says} now: redeploy to let the app know.",
        HostOutcome.SAME: "",
        HostOutcome.EDITED: "PHX_HOST was set by somebody, and stays.",
        HostOutcome.REMOVED: "PHX_HOST was removed by somebody, and stays away.",
    }[changed.host]
