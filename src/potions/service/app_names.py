"""The names that apps answer at, on a server and on somebody's own computer."""

from __future__ import annotations

from collections.abc import Sequence

from potions.errors import DomainRefused, DomainTaken
from potions.model.app import App
from potions.model.domain import Answering
from potions.settings import Settings
from potions.store.store import Store


class AppNames:
    """Reads the domains anew at each question: they may change while a deploy runs."""

    def __init__(self, settings: Settings, store: Store) -> None:
        server = settings.server
        self._dashboard = "" if server is None else server.dashboard
        self._http_port = settings.http_port
        self._store = store
        self._answering = None if server is None else Answering(server.address, server.wildcard)

    def public(self, app: str) -> list[str]:
        """The names by which the app of that name answers to everybody, the primary one first."""
        if self._answering is None:
            return []
        return self._answering.public_names(app, [domain.name for domain in self._store.domains_named(app)])

    def before_a_domain(self, app: str) -> str:
        """What PHX_HOST says while the app has no domain."""
        return f"{app}.localhost" if self._answering is None else self._answering.host_before_a_domain(app)

    def own_name(self, app: str) -> str:
        """The app's name below the server's wildcard; empty where there is none."""
        return "" if self._answering is None else self._answering.own_name(app)

    def refuse_taken_own_name(self, app: str) -> None:
        """Raise DomainRefused or DomainTaken where the dashboard or another app answers at an app's own name."""
        own = self.own_name(app)
        if own:
            refuse_dashboard(own, self._dashboard)
            owner = self._store.owner_of_domain(own)
            if owner is not None and owner != app:
                raise DomainTaken(own, owner, app)

    def address(self, app: App, domains: Sequence[str]) -> str:
        """Where people find it, given its domains; empty on a server for an app without any name."""
        if self._answering is None:
            return f"http://{app.host}:{self._http_port}"
        names = self._answering.public_names(app.name, domains)
        return f"https://{names[0]}" if names else ""

    def asked_host(self, app: App, told: str) -> str:
        """The host that a check asks for: what visitors ask for, or what the app was told (``PHX_HOST``)."""
        if self._answering is None:
            return app.host
        domains = self._store.domains(app.id)
        return domains[0].name if domains else told or self.before_a_domain(app.name)


def refuse_dashboard(domain: str, dashboard: str) -> None:
    """Raise DomainRefused for the domain of the dashboard; an empty ``dashboard`` is none."""
    if domain == dashboard:
        raise DomainRefused(
            f"{domain} cannot be a domain of an app.",
            why="The dashboard of this server answers there.",
            do="Take another one, or give the dashboard another domain: potions server install --dashboard DOMAIN",
        )
