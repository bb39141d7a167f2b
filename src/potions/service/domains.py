"""Domains: checked before they go live, remembered, and told to the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from potions.domain_names import parse_domain_name, shown_domain
from potions.errors import DomainRefused, ProxyRefused, ServerNeeded
from potions.host.certificates import look_at_certificates
from potions.host.dns import Dns, addresses_of
from potions.model.app import App
from potions.model.certificate import Certificate
from potions.model.domain import Domain, HostOutcome
from potions.model.domain_dns import DnsCheck, check_dns, expected_records, refuse_elsewhere
from potions.names import DomainName, parse_app_name
from potions.schema import AppDomains, DomainAdd, DomainEntry, DomainsChanged, LostDomain
from potions.service.app_names import refuse_dashboard
from potions.service.apps import AppService
from potions.service.context import Context
from potions.settings import ServerSettings


class DomainService:
    """What may be asked about the domains of an app."""

    def __init__(self, context: Context, apps: AppService, dns: Dns) -> None:
        self._context = context
        self._apps = apps
        self._dns = dns

    def domains(self, name: str, *, look: bool) -> AppDomains:
        """The names of an app. With ``look`` DNS and the proxy are asked about each, which takes seconds."""
        app = self._context.app(name)
        domains = self._context.store.domains(app.id)
        lost = lost_domains(self._context, app)
        return AppDomains(
            app=app.name,
            address=self._context.names.address(app, [domain.name for domain in domains]),
            domains=self._entries(app, domains, look=look),
            lost=lost,
            expected=expected_records(self._addresses()),
            on_server=self._context.settings.server is not None,
        )

    def add(self, name: str, wanted: DomainAdd, by: str) -> DomainsChanged:
        """Have the app answer at a domain, once its DNS records are seen to lead here.

        Raises ServerNeeded, DomainRefused, DomainTaken, DomainElsewhere, ProxyRefused; then nothing has changed.
        """
        server = self._server()
        domain = parse_domain_name(wanted.name)
        refuse_reserved(domain, server)
        app, _ = self._context.present(name)
        self._refuse_taken(app, domain)
        check = check_dns(domain, self._dns.look(domain), self._addresses())
        if not wanted.skip_dns_check:
            refuse_elsewhere(domain, check)
        with self._apps.alone_with(app.name):
            app, _ = self._context.present(name)
            with self._served_or_undone(app, by):
                outcome = self._context.store.add_domain(app.id, domain, self._before(app), by)
        return self._changed(app, domain, outcome, [] if check.right else [_warning(domain, check)])

    def remove(self, name: str, domain: str, by: str) -> DomainsChanged:
        """Take a domain away; visitors who ask for it find nothing from then on.

        Raises DomainUnknown; ProxyRefused, and then nothing has changed.
        """
        self._server()
        wanted = parse_domain_name(domain)
        app = self._context.app(name)
        self._refuse_own_name(app, wanted)
        with self._apps.alone_with(parse_app_name(name)):
            app = self._context.app(name)
            with self._served_or_undone(app, by):
                outcome = self._context.store.remove_domain(app.id, wanted, self._before(app), by)
        return self._changed(app, wanted, outcome, [])

    def make_primary(self, name: str, domain: str, by: str) -> DomainsChanged:
        """Have another one of its domains be the one the app is told of.

        Raises DomainUnknown; ProxyRefused, and then nothing has changed.
        """
        self._server()
        wanted = parse_domain_name(domain)
        with self._apps.alone_with(parse_app_name(name)):
            app, _ = self._context.present(name)
            with self._served_or_undone(app, by):
                outcome = self._context.store.make_primary(app.id, wanted, self._before(app), by)
        return self._changed(app, wanted, outcome, [])

    # Steps of the above

    @contextmanager
    def _served_or_undone(self, app: App, by: str) -> Iterator[None]:
        """What changes in here is what the proxy serves then; where it refuses, the domains are what they were."""
        before = self._context.store.domains(app.id)
        yield
        if self._context.is_gone(app):
            return
        try:
            self._apps.put_site(app)
        except ProxyRefused:
            self._context.store.set_domains(app.id, before, self._before(app), by)
            raise

    def _server(self) -> ServerSettings:
        server = self._context.settings.server
        if server is None:
            raise ServerNeeded(
                "Domains are for a server.",
                why="This Potions answers on this computer alone, at NAME.localhost; no domain leads here.",
                do="See docs/domains.md for how a server gets them.",
            )
        return server

    def _addresses(self) -> list[str]:
        server = self._context.settings.server
        return [] if server is None else addresses_of(server)

    def _before(self, app: App) -> str:
        return self._context.names.before_a_domain(app.name)

    def _refuse_taken(self, app: App, domain: DomainName) -> None:
        """Before DNS is asked, which takes a while; the store looks again."""
        self._context.store.refuse_taken_domain(app.id, domain)

    def _refuse_own_name(self, app: App, domain: DomainName) -> None:
        if domain == self._context.names.own_name(app.name):
            raise DomainRefused(
                f"{domain} cannot be removed.",
                why=f"Every app of this server answers below {domain.partition('.')[2]}.",
                do="Add a domain; it comes first then.",
            )

    def _entries(self, app: App, domains: list[Domain], *, look: bool) -> list[DomainEntry]:
        own = self._context.names.own_name(app.name)
        names: list[str] = [*(domain.name for domain in domains), *([own] if own else [])]
        checks, certificates = self._look(names) if look and names else ({}, {})
        entries = [
            DomainEntry(domain.name, shown_domain(domain.name), domain.primary, added=domain.added)
            for domain in domains
        ]
        if own:
            entries.append(DomainEntry(own, own, primary=not domains, automatic=True))
        return [
            DomainEntry(
                one.name,
                one.shown,
                one.primary,
                one.automatic,
                one.added,
                checks.get(one.name),
                certificates.get(one.name),
            )
            for one in entries
        ]

    def _look(self, names: list[str]) -> tuple[dict[str, DnsCheck], dict[str, Certificate]]:
        addresses = self._addresses()
        answers = self._dns.look_at_all(names)
        checks = {name: check_dns(name, answer, addresses) for name, answer in answers.items()}
        return checks, look_at_certificates(names, self._context.home.certificate_log)

    def _changed(self, app: App, domain: str, outcome: HostOutcome, warnings: list[str]) -> DomainsChanged:
        domains = self._context.store.domains(app.id)
        primary = domains[0].name if domains else ""
        return DomainsChanged(domain, primary, outcome, primary or self._before(app), warnings)


def lost_domains(context: Context, app: App) -> list[LostDomain]:
    """Those that went to other apps while this one was deleted."""
    lost = context.store.lost_domains(app.id)
    return [LostDomain(name, shown_domain(name), owner) for name, owner in lost.items()]


def refuse_reserved(domain: DomainName, server: ServerSettings) -> None:
    """Raise DomainRefused for a domain that the platform itself answers at."""
    refuse_dashboard(domain, server.dashboard)
    if server.wildcard and domain.endswith(f".{server.wildcard}"):
        raise DomainRefused(
            f"{domain} cannot be a domain of an app.",
            why=f"Below {server.wildcard} every app answers at its own name.",
            do=f"Make an app of that name, which answers there by itself: potions apps create {_first(domain)}",
        )


def _first(domain: str) -> str:
    return domain.partition(".")[0]


def _warning(domain: str, check: DnsCheck) -> str:
    until = f"Until that is right visitors do not come here by {domain}, and no certificate can be got."
    return f"{check.why} {until} {check.do}"
