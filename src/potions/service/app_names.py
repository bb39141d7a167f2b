"""The names that apps answer at, on a server and on somebody's own computer."""

from __future__ import annotations

from collections.abc import Sequence

from potions.model.app import App
from potions.model.domain import Answering
from potions.settings import Settings
from potions.store.store import Store


class AppNames:
    """Reads the domains anew at each question: they may change while a deploy runs."""

    def __init__(self, settings: Settings, store: Store) -> None:
        server = settings.server
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
