"""What the steps of a deployment share: the app, its two slots, and the world they act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from msgspec import structs

from potions.errors import PotionsError
from potions.flows.ports import Erlang, Network, Outputs, Proxy, Supervisor, Terminals, Trees
from potions.flows.step import Run
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Release, SlotContent
from potions.model.output import journal_fields
from potions.model.plan import DRAIN, Manifest, RunPlan, Strategy, Worker
from potions.model.service import Account, Phase, Service, slot_service, task_service, worker_service
from potions.model.variables import SlotPlace, process_variables, slot_environment, worker_variables
from potions.planning import read_plan


@dataclass(frozen=True)
class World:
    """The ports of the flows, as ``wiring`` chose them."""

    supervisor: Supervisor
    proxy: Proxy
    network: Network
    trees: Trees
    outputs: Outputs
    erlang: Erlang
    terminals: Terminals
    account: Account
    search_path: Callable[[], str]
    """``PATH`` of the apps, as it is now."""
    asked_host: Callable[[App, str], str] = lambda app, _told: app.host
    """The host that a check of an app asks for, given what the app is told in PHX_HOST (empty: nothing)."""


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
    serving: Callable[[], SlotRun | None] = lambda: None
    """A run over what served when this one began, in the other slot; None where nothing did."""
    serving_strategy: Strategy | None = None
    """How what served wants to be followed; None where nothing served."""
    begin_standby: Callable[[float], None] = lambda _seconds: None
    """Have the other slot run on for so long."""
    end_standby: Callable[[], bool] = lambda: False
    """The slot that stands by is needed, if any does: say so; True if one did."""
    remember_contents: Callable[[int, int], None] = lambda _files, _bytes: None
    """Told how many files the release turned out to hold, and the bytes in them."""
    hurried: Callable[[], bool] = lambda: False
    """Whether somebody waits for this app, so that draining has to end."""
    other_is_wanted: Callable[[], bool] = lambda: False
    """Whether that somebody is a rollback, which wants the other slot to run on."""
    is_warm: bool = False
    """Whether the slot ran already when this began, so that nothing has to be started: it stands by, or drains."""
    held_since: float = 0.0
    """When visitors began to wait, by the monotonic clock; 0 where they do not, or where that was before a crash."""
    output_start: dict[str, str] = field(default_factory=dict)
    """Where this deployment's lines begin in what each process of the slot prints, by its name."""

    def tidied(self) -> None:
        self.mark_drained()

    @property
    def asked_host(self) -> str:
        """The host that the app is asked for while it is checked."""
        return self.world.asked_host(self.app, self.variables.get("PHX_HOST", ""))

    @property
    def called(self) -> str:
        """How an error begins that is about what runs in the slot."""
        return self.app.name if self.deployment.status.ended else "The new release"

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
    def content(self) -> SlotContent:
        return self.content_of(self.deployment.number)

    @property
    def content_without_plan(self) -> SlotContent:
        """The same of a release whose files nobody has read yet."""
        release = self.deployment.release
        return SlotContent(release.id, release.label, self.deployment.number, str(self.tree.slot(self.slot)))

    def content_of(self, number: int) -> SlotContent:
        """What the slot holds when its release runs for deployment ``number``."""
        release = self.deployment.release
        return SlotContent(release.id, release.label, number, str(self.tree.slot(self.slot)), self.plan)

    @cached_property
    def plan(self) -> RunPlan:
        """How the release in the slot is run, as it was sent; once it is unpacked. Raises as ``read_plan`` does."""
        return plan_in(self.world, self.tree, self.slot)

    def is_running(self) -> bool:
        return self._runs(self.slot)

    def other_runs(self) -> bool:
        return self._runs(self.other)

    def _runs(self, colour: Colour) -> bool:
        return self.world.supervisor.state(slot_service(self.app.name, colour)).phase is Phase.RUNNING

    @property
    def needs_gate(self) -> bool:
        """Whether one of the two releases wants to be handed over."""
        return Strategy.HANDOVER in (self.plan.manifest.strategy, self.serving_strategy)

    @property
    def is_handover(self) -> bool:
        """Whether the old slot has to stop before this one starts. One of them asking for it is enough."""
        return self.serving_strategy is not None and self.needs_gate

    @property
    def hold_drain(self) -> float:
        """Seconds that the old slot may take to finish its requests while visitors wait."""
        manifest = self.plan.manifest
        return manifest.drain if manifest.strategy is Strategy.HANDOVER else DRAIN[Strategy.HANDOVER]

    def environment(self, epmd_port: int | None) -> dict[str, str]:
        """Everything the slot's processes find in their environment, but for what each has of its own."""
        return slot_environment(self._place(epmd_port), defaults=self.plan.manifest.env, variables=self.variables)

    def hidden(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What of it no log may show. What the manifest sets by default stands in the app's repository anyway."""
        defaults = self.plan.manifest.env
        return {name: value for name, value in environment.items() if name in self.variables or name not in defaults}

    def _place(self, epmd_port: int | None) -> SlotPlace:
        return SlotPlace(
            app=self.app.name,
            colour=self.slot,
            port=self.port,
            directory=str(self.tree.root),
            storage=str(self.tree.storage),
            home=str(self.tree.home),
            account=self.world.account.name,
            search_path=self.world.search_path(),
            epmd_port=epmd_port,
            own_epmd=self.world.erlang.is_of_slots,
        )

    def web(self) -> Service:
        """The program that answers visitors."""
        log = self.tree.output_log(self.slot)
        return self._service(self.service_name, self.plan.start, log, process_variables("web"))

    def worker(self, worker: Worker, epmd_port: int | None) -> Service:
        """A program beside it."""
        name = worker_service(self.app.name, self.slot, worker.name)
        log = self.tree.worker_log(self.slot, worker.name)
        return self._service(name, worker.command, log, worker_variables(self._place(epmd_port), worker.name))

    def task(self, task: str, command: str) -> Service:
        """A one-shot in the slot."""
        name, log = task_service(self.app.name, self.slot, task), self.tree.task_log(self.slot, task)
        return self._service(name, command, log, process_variables(task), restart=False)

    def _service(
        self, name: str, command: str, log: Path, own: Mapping[str, str | None], *, restart: bool = True
    ) -> Service:
        program = slot_program(self.app, self.tree, self.slot, self.world.account, self.plan.manifest, name)
        return structs.replace(program, command=command, log_file=log, own_variables=own, restart=restart)


def slot_program(app: App, tree: AppTree, colour: Colour, account: Account, manifest: Manifest, name: str) -> Service:
    """What every program of a slot has in common: all that its unit is written from, and no command."""
    return Service(
        name=name,
        command="",
        directory=tree.slot(colour),
        env_file=tree.env_file(colour),
        log_file=tree.output_log(colour),
        account=account,
        stop_timeout=manifest.stop_timeout,
        restart=True,
        app_directory=tree.root,
        limits=manifest.limits,
        journal_fields=journal_fields(app),
    )


def plan_in(world: World, tree: AppTree, colour: Colour) -> RunPlan:
    """How what a slot holds is run. Raises what ``read_plan`` does, where nothing but its files says it."""
    held = world.trees.record_of(tree, colour)
    if held is not None and held.plan is not None:
        return held.plan
    return read_plan(world.trees.inspect(tree, colour))


def stop_timeout_of(world: World, tree: AppTree, colour: Colour) -> float:
    """Seconds that what runs in a slot may take to end, by its own manifest; the default where that cannot be read."""
    try:
        if world.trees.record_of(tree, colour) is None:
            return Manifest().stop_timeout
        return plan_in(world, tree, colour).manifest.stop_timeout
    except PotionsError:
        # An app may have removed its own manifest. It still has to be stopped.
        return Manifest().stop_timeout
