"""What the checks look at: one moment of the processes, the ports and the services, and the apps in it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from potions.errors import AppDamaged, SupervisorRefused
from potions.host.doctor.exits import Exit
from potions.host.doctor.process_table import ProcessTable, name_of
from potions.host.listeners import Held, every_listener
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.deployment import SlotContent
from potions.model.service import Phase, ServiceState, slot_service
from potions.service.context import Context
from potions.service.jobs import Jobs

#: How far back exits are counted.
MINUTES = 10

_ABSENT = ServiceState(Phase.ABSENT)


@dataclass(frozen=True)
class AppScene:
    """One app, as its own files say."""

    app: App
    tree: AppTree
    gone: bool
    """Its directory was removed or replaced by hand."""
    live: Colour | None
    """None where ``.live`` cannot be read."""
    held: Mapping[Colour, SlotContent | None]
    damage: tuple[AppDamaged, ...]
    keeps_idle: bool
    """The idle slot drains, or stands by."""

    @property
    def name(self) -> str:
        return self.app.name

    @property
    def serves(self) -> SlotContent | None:
        """What the live slot holds."""
        return None if self.live is None else self.held.get(self.live)


@dataclass(frozen=True)
class Scene:
    """One moment of one home. ``apps`` are those that are looked at.

    ``every_app`` are the names of all, those included that somebody makes, deletes or brings back right now.
    """

    context: Context
    jobs: Jobs
    apps: tuple[AppScene, ...]
    every_app: frozenset[str]
    busy: frozenset[str]
    """The names of those."""
    states: Mapping[str, ServiceState]
    is_supervised: bool
    """Whether supervisord, or systemd, answered. Without it nothing is known of what should run."""
    table: ProcessTable = field(default_factory=ProcessTable)
    listeners: list[Held] = field(default_factory=every_listener)
    now: float = field(default_factory=time.time)

    def state(self, service: str) -> ServiceState:
        return self.states.get(service, _ABSENT)

    def exits(self, names: Iterable[str], since: float = 0.0) -> dict[str, int]:
        """How often these programs, where they run, ended by themselves in the last minutes, or since a moment."""
        counts = Counter(one.program for one in self._exits if one.at >= since)
        return {name: counts[name] for name in names if self.state(name).phase is Phase.RUNNING}

    @cached_property
    def _exits(self) -> list[Exit]:
        return self.context.parts.exits_since(self.now - MINUTES * 60)

    def web(self, app: AppScene, colour: Colour) -> ServiceState:
        return self.state(slot_service(app.name, colour))

    def pids(self, app: AppScene, colour: Colour) -> frozenset[int]:
        """Everything that runs in a slot, workers and one-shots included."""
        prefix = slot_service(app.name, colour)
        services = (self.state(name).pid for name in self.services(app) if f"{name}.".startswith(f"{prefix}."))
        return self.table.of_slot(app.tree.root, colour.value, services)

    def services(self, app: AppScene) -> list[str]:
        """The names of everything that the supervisor knows of an app."""
        return [name for name in self.states if name.startswith(f"{app.name}.")]

    def strangers(self, port: int, own: Iterable[int]) -> tuple[str, ...]:
        """Who listens on a port and is not one of its ``own``, in words for people."""
        others = {held.pid for held in self.listeners if held.port == port} - set(own)
        return tuple(sorted(map(self._words, others)))

    def _words(self, pid: int) -> str:
        if not pid:
            return "a process of another user"
        marks = self.table.marks.get(pid)
        of_app = f", of the app in {marks.directory}" if marks else ""
        return f"{name_of(pid)} (process {pid}{of_app})"


def look_around(context: Context, jobs: Jobs, apps: Iterable[App]) -> Scene:
    """The scene of this moment, with these apps in it."""
    keeping = {one.app_id for one in (*context.store.draining(), *context.store.standing_by())}
    busy = frozenset(context.locks.held("name-"))
    states = _states(context)
    return Scene(
        context=context,
        jobs=jobs,
        apps=tuple(_app_scene(context, app, app.id in keeping) for app in apps),
        every_app=busy.union(app.name for app in context.store.apps()),
        busy=busy,
        states=states or {},
        is_supervised=states is not None,
    )


def _states(context: Context) -> Mapping[str, ServiceState] | None:
    """Those of what is written down as well, where the supervisor tells of it only when it is asked by name."""
    try:
        states = context.supervisor.states()
        others = {name: context.supervisor.state(name) for name in context.parts.programs() if name not in states}
    except SupervisorRefused:
        return None
    return {**states, **{name: state for name, state in others.items() if state.phase is not Phase.ABSENT}}


def _app_scene(context: Context, app: App, keeps_idle: bool) -> AppScene:
    tree = context.tree(app)
    gone = context.is_gone(app)
    damage: list[AppDamaged] = []
    live: Colour | None = None
    held: dict[Colour, SlotContent | None] = {}
    if not gone:
        try:
            live = context.trees.live(tree)
        except AppDamaged as error:
            damage.append(error)
        for colour in Colour:
            try:
                held[colour] = context.trees.holds(tree, colour)
            except AppDamaged as error:
                damage.append(error)
    return AppScene(app, tree, gone, live, held, tuple(damage), keeps_idle)
