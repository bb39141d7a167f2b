"""What the steps of a deployment share: the app, its two slots, and the world they act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from potions.errors import PotionsError
from potions.flows.ports import Erlang, Network, Proxy, Supervisor, Trees
from potions.flows.step import Run
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Release, SlotContent
from potions.model.plan import Manifest, RunPlan
from potions.model.service import Account, Service, slot_service, task_service
from potions.model.variables import SlotPlace, slot_environment
from potions.planning import read_plan


@dataclass(frozen=True)
class World:
    """The ports of the flows, as ``wiring`` chose them."""

    supervisor: Supervisor
    proxy: Proxy
    network: Network
    trees: Trees
    erlang: Erlang
    account: Account
    search_path: Callable[[], str]
    """``PATH`` of the apps, as it is now."""


@dataclass(kw_only=True)
class SlotRun(Run):
    """A deployment with the slot it goes to."""

    world: World
    app: App
    tree: AppTree
    slot: Colour
    variables: Mapping[str, str]
    """The variables it runs with, save those that only the platform sets."""
    served: Callable[[int], bool]
    """Whether a deployment of this app, by number, ever served."""
    releases_to_prune: Callable[[int], list[Release]]
    """The kept archives beyond the newest ``keep`` that nothing needs."""
    forget_release: Callable[[Release], None]
    mark_drained: Callable[[], None]
    hurried: Callable[[], bool] = lambda: False
    """Whether somebody waits for this app, so that draining has to end."""
    other_is_wanted: Callable[[], bool] = lambda: False
    """Whether that somebody is a rollback, which wants the other slot to run on."""
    output_start: int = 0
    """Where this deployment's lines begin in the slot's output log."""

    def tidied(self) -> None:
        self.mark_drained()

    @property
    def port(self) -> int:
        return self.app.ports.of(self.slot)

    @property
    def other(self) -> Colour:
        """The slot that served before, and that a failure leaves serving."""
        return self.slot.other

    @property
    def service_name(self) -> str:
        return slot_service(self.app.name, self.slot)

    @property
    def other_service_name(self) -> str:
        return slot_service(self.app.name, self.other)

    @property
    def content(self) -> SlotContent:
        return self.content_of(self.deployment.number)

    def content_of(self, number: int) -> SlotContent:
        """What the slot holds when its release runs for deployment ``number``."""
        release = self.deployment.release
        return SlotContent(release.id, release.label, number, str(self.tree.slot(self.slot)))

    @cached_property
    def plan(self) -> RunPlan:
        """How the release in the slot is run. Read from its files, so only after they are unpacked."""
        return read_plan(self.world.trees.inspect(self.tree, self.slot))

    def environment(self, epmd_port: int | None) -> dict[str, str]:
        """Everything the slot's processes find in their environment."""
        place = SlotPlace(
            app=self.app.name,
            colour=self.slot,
            port=self.port,
            directory=str(self.tree.root),
            storage=str(self.tree.storage),
            home=str(self.tree.home),
            account=self.world.account.name,
            search_path=self.world.search_path(),
            epmd_port=epmd_port,
        )
        return slot_environment(place, defaults=self.plan.manifest.env, variables=self.variables)

    def service(self) -> Service:
        """The slot's ``web``."""
        return self._service(self.service_name, self.plan.start, restart=True)

    def task(self, name: str, command: str) -> Service:
        """A one-shot in the slot."""
        return self._service(task_service(self.app.name, self.slot, name), command, restart=False)

    def _service(self, name: str, command: str, *, restart: bool) -> Service:
        task = name.rpartition(".")[2]
        return Service(
            name=name,
            command=command,
            directory=self.tree.slot(self.slot),
            env_file=self.tree.env_file(self.slot),
            log_file=self.tree.output_log(self.slot) if restart else self.tree.task_log(self.slot, task),
            account=self.world.account,
            stop_timeout=self.plan.manifest.stop_timeout,
            restart=restart,
        )


def stop_timeout_of(world: World, tree: AppTree, colour: Colour) -> float:
    """Seconds that what runs in a slot may take to end, by its own manifest; the default where that cannot be read."""
    try:
        if world.trees.holds(tree, colour) is None:
            return Manifest().stop_timeout
        return read_plan(world.trees.inspect(tree, colour)).manifest.stop_timeout
    except PotionsError:
        # An app may have removed its own manifest. It still has to be stopped.
        return Manifest().stop_timeout
