"""What the platform and its apps look like right now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from potions import __version__
from potions.errors import AppDamaged
from potions.host.caddy import InFlight
from potions.host.doctor.exits import Exit
from potions.host.processes import memory_of
from potions.layout import FIRST_LIVE, Colour
from potions.model.app import App
from potions.model.deployment import Deployment, SlotContent
from potions.model.domain import Domain
from potions.model.plan import Strategy
from potions.model.service import PARTS, Phase, ServiceState, slot_service, worker_of, worker_services
from potions.model.stored import StorageSample
from potions.schema import AppDetail, AppSummary, Deployed, Part, PlatformStatus, ProcessDetail, SlotDetail
from potions.service.context import Context
from potions.service.domains import lost_domains
from potions.service.sampling import StorageSampler
from potions.service.variables import VariableService


@dataclass(frozen=True)
class _Seen:
    """What is looked at once for all apps; what belongs to one app, by its id."""

    states: Mapping[str, ServiceState]
    in_flight: InFlight
    last: Mapping[int, StorageSample]
    trends: Mapping[int, list[StorageSample]]
    failed: Mapping[int, int]
    domains: Mapping[int, list[Domain]]


#: How far back the ends of a slot's process are counted, in seconds.
EXITS_SECONDS = 600
_KEPT_ALIVE = {Phase.RUNNING, Phase.CRASHING, Phase.EXITED}
_STOPPED = ServiceState(Phase.ABSENT)


class OverviewService:
    """What may be asked about the state of things."""

    def __init__(self, context: Context, variables: VariableService, sampler: StorageSampler) -> None:
        self._context = context
        self._sampler = sampler
        self._variables = variables

    def status(self) -> PlatformStatus:
        """The platform's parts, its apps, and what is on its way."""
        context = self._context
        return PlatformStatus(
            version=__version__,
            home=str(context.home.root),
            http_port=context.settings.http_port,
            first_port=context.settings.first_port,
            app_user=context.settings.app_user,
            parts=self._parts(),
            apps=self.apps(),
            running=context.store.unfinished(),
            dashboard=context.settings.dashboard_address,
            host="" if context.settings.server is None else context.settings.server.address,
        )

    def apps(self) -> list[AppSummary]:
        """A line an app. One look at the supervisor, at the proxy and at what was measured, for all of them."""
        seen = self._look_at_all()
        return [self._summary(app, seen) for app in self._context.store.apps()]

    def app(self, name: str, *, measure: bool = False) -> AppDetail:
        """Everything about an app. With ``measure`` its storage is measured now: a million files take 11 s."""
        context = self._context
        app = context.app(name)
        tree = context.tree(app)
        if not context.is_gone(app):
            context.present(name)
        sample = self._sample(app, measure=measure)
        newest = context.store.deployments(app.id, 1)
        waiting = [one for one in context.store.unfinished() if one.app_id == app.id]
        return AppDetail(
            summary=self._summary(app, self._look_at_all()),
            directory=str(tree.root),
            storage=str(tree.storage),
            storage_bytes=None if sample is None else sample.bytes,
            storage_files=None if sample is None else sample.files,
            storage_measured=None if sample is None else sample.at,
            slots=[] if context.is_gone(app) else self._slots(app),
            last=newest[0] if newest else None,
            running=waiting[0] if waiting else None,
            rollback_to=None if context.is_gone(app) else context.rollback_target(app),
            unsaved=self._variables.count_not_live(app) if self._serves(app) else 0,
            lost_domains=lost_domains(context, app),
        )

    def _sample(self, app: App, *, measure: bool) -> StorageSample | None:
        if self._context.is_gone(app):
            return None
        return self._sampler.measure(app) if measure else self._sampler.last(app)

    def _look_at_all(self) -> _Seen:
        context = self._context
        return _Seen(
            states=context.supervisor.states(),
            in_flight=context.proxy.every_in_flight(),
            last=context.store.last_storage_samples(),
            trends=self._sampler.trends(),
            failed=context.store.newest_failed(),
            domains=context.store.every_domain(),
        )

    def _parts(self) -> list[Part]:
        supervisor = self._context.supervisor
        parts = []
        for name in PARTS:
            state = supervisor.state(name)
            detail = "" if state.phase is Phase.RUNNING else state.phase.value
            parts.append(Part(name, state.phase is Phase.RUNNING, state.pid, detail))
        return parts

    def _serves(self, app: App) -> bool:
        return not self._context.is_gone(app) and self._context.live_deployment(app) is not None

    def _live(self, app: App) -> Colour:
        return self._context.trees.live(self._context.tree(app))

    def _held(self, app: App, colour: Colour) -> SlotContent | None:
        return self._context.trees.holds(self._context.tree(app), colour)

    def _summary(self, app: App, seen: _Seen) -> AppSummary:
        """One app's line. What is broken in one app keeps nobody from seeing the others."""
        try:
            return self._look(app, seen)
        except AppDamaged:
            return AppSummary(app.name, self._address(app, seen), None, FIRST_LIVE, "damaged", app.created)

    def _address(self, app: App, seen: _Seen) -> str:
        return self._context.names.address(app, [domain.name for domain in seen.domains.get(app.id, [])])

    def _look(self, app: App, seen: _Seen) -> AppSummary:
        gone = self._context.is_gone(app)
        live = Colour.GREEN if gone else self._live(app)
        held = None if gone else self._context.trees.record_of(self._context.tree(app), live)
        sample = None if gone else seen.last.get(app.id)
        return AppSummary(
            name=app.name,
            address=self._address(app, seen),
            serves=self._deployed(app, held),
            live=live,
            state="gone" if gone else self._state(app, live, held, seen.states),
            created=app.created,
            strategy=self._strategy(app, held),
            storage_bytes=None if sample is None else sample.bytes,
            trend=[] if gone else seen.trends.get(app.id, []),
            in_flight=sum(seen.in_flight.of(app.name, colour, app.ports.of(colour)) for colour in Colour),
            failed=seen.failed.get(app.id),
        )

    def _state(self, app: App, live: Colour, held: SlotContent | None, states: Mapping[str, ServiceState]) -> str:
        state = _state(app, held, states.get(slot_service(app.name, live), _STOPPED))
        still_boots = state == "running" and self._context.network.is_port_free(app.ports.of(live))
        return "starting" if still_boots else state

    def _strategy(self, app: App, held: SlotContent | None) -> Strategy | None:
        if held is None:
            return None
        return self._context.store.deployment(app.id, held.deployment).strategy or Strategy.OVERLAP

    def _deployed(self, app: App, held: SlotContent | None) -> Deployed | None:
        if held is None:
            return None
        deployment = self._context.store.deployment(app.id, held.deployment)
        return Deployed(held.deployment, held.label, deployment.ended)

    def _slots(self, app: App) -> list[SlotDetail]:
        ended = self._context.parts.exits_since(time.time() - EXITS_SECONDS)
        slots = [self._slot(app, colour) for colour in Colour]
        return [structs.replace(slot, exits=_exits(app, slot, ended)) for slot in slots]

    def _slot(self, app: App, colour: Colour) -> SlotDetail:
        context, tree, port = self._context, self._context.tree(app), app.ports.of(colour)
        states = context.supervisor.states()
        state = states.get(slot_service(app.name, colour), _STOPPED)
        pids = context.network.processes_of(tree, colour) | context.network.family_of(state.pid)
        live = self._live(app) is colour
        return SlotDetail(
            colour=colour,
            port=port,
            phase=state.phase,
            live=live,
            draining=not live and self._drains(app),
            standby_until=None if live else self._standby_until(app),
            holds=self._deployed(app, self._held(app, colour)),
            pid=state.pid,
            in_flight=context.proxy.in_flight(app.name, colour, port),
            memory_bytes=memory_of(pids),
            workers=[self._worker(name, states[name]) for name in worker_services(states, app.name, colour)],
        )

    def _worker(self, service: str, state: ServiceState) -> ProcessDetail:
        memory = memory_of(self._context.network.family_of(state.pid))
        return ProcessDetail(worker_of(service), state.phase, state.pid, memory)

    def _standby_until(self, app: App) -> datetime | None:
        kept = (one.standby_until for one in self._context.store.standing_by() if one.app_id == app.id)
        return next(kept, None)

    def _drains(self, app: App) -> bool:
        return any(one.app_id == app.id for one in self._draining())

    def _draining(self) -> list[Deployment]:
        return self._context.store.draining()


def _state(app: App, held: SlotContent | None, service: ServiceState) -> str:
    """One word for an app, for people."""
    if held is None:
        return "empty"
    if app.stopped:
        return "stopped"
    words = {Phase.RUNNING: "running", Phase.CRASHING: "crashing", Phase.EXITED: "crashed", Phase.STOPPING: "stopping"}
    return words.get(service.phase, "down")


def _exits(app: App, slot: SlotDetail, ended: list[Exit]) -> int:
    """How often what a slot holds ended by itself of late; what was in the slot before it does not count."""
    if slot.phase not in _KEPT_ALIVE or slot.holds is None or slot.holds.at is None:
        return 0
    # supervisord tells whole seconds.
    began = int(slot.holds.at.timestamp())
    return sum(one.program == slot_service(app.name, slot.colour) and one.at >= began for one in ended)
