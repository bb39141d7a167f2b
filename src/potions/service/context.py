"""What every part of the service works with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from potions.errors import AppDirectoryGone
from potions.flows.ports import Outputs, Supervisor
from potions.flows.run import World
from potions.host.caddy import Caddy
from potions.host.dns import Dns
from potions.host.doctor.below_looks import BelowLooks
from potions.host.doctor.platform_parts import PlatformParts
from potions.host.locks import Locks
from potions.host.network import Network
from potions.host.storages import Storages
from potions.host.terminals import Terminals
from potions.host.trees import Trees
from potions.layout import AppTree, Colour, Home
from potions.model.app import App, Ports, choose_ports
from potions.model.deployment import Deployment
from potions.model.plan import Strategy
from potions.model.variables import new_automatic_values
from potions.service.app_names import AppNames
from potions.service.mending import mend
from potions.settings import Settings
from potions.store.records import ChoosePorts
from potions.store.store import Store


@dataclass(frozen=True)
class Context:
    """One home: where it is, what it remembers, and the world it acts on."""

    home: Home
    settings: Settings
    store: Store
    world: World
    supervisor: Supervisor
    proxy: Caddy
    network: Network
    terminals: Terminals
    trees: Trees
    outputs: Outputs
    looks: BelowLooks
    parts: PlatformParts
    storages: Storages
    locks: Locks
    names: AppNames
    dns: Dns

    def app(self, name: str) -> App:
        """The app of that name; raises AppUnknown."""
        return self.store.app(name)

    def tree(self, app: App) -> AppTree:
        return self.home.app(app.name)

    def set_stopped(self, app: App, stopped: bool) -> None:
        """Remember whether a person stopped the app, so that it also stays down, or comes up, with the computer."""
        self.store.set_stopped(app.id, stopped)
        self.supervisor.keep_stopped(app.name, stopped=stopped)

    def is_gone(self, app: App) -> bool:
        """Whether the app's directory, or what it cannot be without, was removed or replaced by hand.

        Its storage, above all: as long as that is there, nothing of it may be put aside. Everything else is made anew.
        """
        tree = self.tree(app)
        return tree.root.is_symlink() or not tree.storage.is_dir()

    def present(self, name: str) -> tuple[App, AppTree]:
        """The app and its tree; raises AppUnknown, or AppDirectoryGone.

        What else somebody removed from it by hand (logs, old archives) is made anew here, empty.
        """
        app = self.app(name)
        if self.is_gone(app):
            raise AppDirectoryGone(app.name, str(self.tree(app).root))
        tree = self.tree(app)
        if not self.trees.is_complete(tree):
            self.mend(app)
        return app, tree

    def mend(self, app: App) -> None:
        """Put right what somebody removed or broke by hand; of an app that is gone, nothing is made anew."""
        if not self.is_gone(app):
            mend(self.store, self.trees, self.tree(app), app)

    def live_deployment(self, app: App) -> Deployment | None:
        """What serves, also where its slot was removed by hand; None while nothing was deployed."""
        tree = self.tree(app)
        held = self.trees.record_of(tree, self.trees.live(tree))
        return None if held is None else self.store.deployment(app.id, held.deployment)

    def needs_gate(self, app: App) -> bool:
        """Whether a release in one of the app's slots wants to be handed over."""
        tree = self.tree(app)
        held = [self.trees.record_of(tree, colour) for colour in Colour]
        numbers = [one.deployment for one in held if one is not None]
        return any(self.store.deployment(app.id, number).strategy is Strategy.HANDOVER for number in numbers)

    def rollback_target(self, app: App) -> Deployment | None:
        """What served directly before what serves now; None where there is nothing."""
        return self.deployment_before(self.live_deployment(app))

    def deployment_before(self, serving: Deployment | None) -> Deployment | None:
        """What served directly before a deployment that took the traffic."""
        if serving is None or serving.previous is None:
            return None
        return self.store.deployment(serving.app_id, serving.previous)

    def choose_ports(self) -> ChoosePorts:
        """Picks the lowest free pair for a new app."""

        def choose(taken: set[int]) -> Ports | None:
            return choose_ports(self.settings.first_port, taken, self.network.is_port_free)

        return choose

    def automatic_values(self, app: str) -> dict[str, str]:
        """The automatic variables of a new app. SECRET_KEY_BASE is 64 random bytes, as Phoenix and Rails want it."""
        return new_automatic_values(secrets.token_urlsafe(64), self.names.before_a_domain(app))
