"""Stop, start and restart the live slot. The deployment stays what it was; only its processes come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from potions.errors import NoRoom, NothingDeployed, PotionsError, SlotGone
from potions.flows import slots, workers
from potions.flows.holding import hold_again, way_out
from potions.flows.run import SlotRun, stop_timeout_of
from potions.flows.switch import wait_until_idle
from potions.flows.verify import verify_slot
from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Deployment
from potions.model.service import slot_service, worker_services
from potions.service.context import Context
from potions.service.control import Control
from potions.service.jobs import Jobs
from potions.service.runs import Runs
from potions.service.transcript import Transcript


class LifecycleService:
    """What may be asked about the processes of an app."""

    def __init__(self, context: Context, runs: Runs, jobs: Jobs) -> None:
        self._context = context
        self._runs = runs
        self._jobs = jobs

    def stop(self, name: str) -> None:
        """Stop both slots. Visitors are told that the app is not running."""
        app, _ = self._context.present(name)
        if self._context.live_deployment(app) is None:
            raise NothingDeployed(app.name)
        lock = self._jobs.take_app(app, "stop")
        try:
            # First what was asked for: an app that fills the disk must be stopped also when that cannot be remembered.
            self.end_both(app)
            self._remember_stopped(app)
        finally:
            lock.release()

    def start(self, name: str) -> None:
        """Start the live slot and wait until it is healthy; a running one stays as it is."""
        app, _ = self._context.present(name)
        lock = self._jobs.take_app(app, "start")
        try:
            self._start_and_check(app)
        finally:
            lock.release()

    def restart(self, name: str) -> None:
        """Stop the live slot, start it again with the variables it had, and wait until it is healthy.

        Where releases are handed over, visitors wait meanwhile.
        """
        app, _ = self._context.present(name)
        lock = self._jobs.take_app(app, "restart")
        try:
            # Whatever has to be written is written while it still serves: the disk may be full.
            run = self._live_run(app, Transcript())
            slots.configure_slot(run)
            self._context.set_stopped(app, False)
            with self._visitors_wait(run):
                self.end_slot(app, run.slot)
                self._start_and_check(app)
        finally:
            lock.release()

    def start_live(self, app: App, transcript: Transcript) -> SlotRun:
        """Start the live slot and its workers if they do not run, without waiting until they are healthy."""
        run = self._live_run(app, transcript)
        if not run.is_running():
            slots.configure_slot(run)
            slots.start_slot(run)
        workers.start_every_worker(run)
        return run

    def end_standby(self, deployment: Deployment) -> None:
        """Stop what stands by for a deployment, unless it was asked for since; raises AppBusy while a deploy runs."""
        app = self._context.app(deployment.app)
        lock = self._jobs.take_app(app, "standby")
        try:
            now = self._context.store.deployment(app.id, deployment.number)
            if now.standby_until == deployment.standby_until:
                self._context.store.end_standby(app.id)
                self.end_slot(app, self._context.trees.live(self._context.tree(app)).other)
        finally:
            lock.release()

    def end_hold(self, app: App) -> None:
        """Let go of visitors who wait for the live slot: what they waited for was cut off."""
        tree = self._context.tree(app)
        live = self._context.trees.live(tree)
        if self._context.trees.is_held(tree, live):
            self._context.trees.let_requests_go(tree, live, way_out(self._context.world, app.ports.of(live)))
            self._context.trees.end_hold(tree, live)
        self._context.proxy.end_hold(app.name)

    def end_both(self, app: App) -> None:
        """Stop both slots; for an app whose directory is gone as well."""
        for colour in Colour:
            self.end_slot(app, colour)

    def end_slot(self, app: App, colour: Colour) -> None:
        """Stop one slot with all that came of it. It gets the time that its own manifest asks for."""
        tree, supervisor = self._context.tree(app), self._context.supervisor
        self._context.terminals.end_slot(app.name, colour, slots.SLOT_ENDS)
        gone = self._context.is_gone(app)
        grace = slots.UNSERVED_GRACE if gone else stop_timeout_of(self._context.world, tree, colour)
        for services in (
            worker_services(supervisor.states(), app.name, colour),
            [slot_service(app.name, colour)],
        ):
            supervisor.stop(services, grace)
        self._context.network.end_processes(tree, colour, grace)

    @contextmanager
    def _visitors_wait(self, run: SlotRun) -> Iterator[None]:
        """Where the proxy can hold requests for this app, it does meanwhile, whatever comes of it."""
        if not self._context.needs_gate(run.app):
            yield
            return
        try:
            hold_again(run)
            wait_until_idle(run, run.slot, run.hold_drain)
            yield
        finally:
            self.end_hold(run.app)

    def _remember_stopped(self, app: App) -> None:
        try:
            self._context.store.end_standby(app.id)
            self._context.set_stopped(app, True)
        except NoRoom as full:
            raise NoRoom(
                f"{app.name} is stopped, but that could not be remembered: the disk is full.",
                do=f"Make room, then stop it again; otherwise it starts with Potions. ({full.what})",
            ) from full

    def _start_and_check(self, app: App) -> None:
        self._context.set_stopped(app, False)
        transcript = Transcript()
        run = self.start_live(app, transcript)
        try:
            verify_slot(run)
        except PotionsError as error:
            error.why = "\n".join(filter(None, [error.why, *transcript.lines]))
            raise

    def _live_run(self, app: App, transcript: Transcript) -> SlotRun:
        """A run over what the live slot holds, to read its plan and start it; raises NothingDeployed and SlotGone."""
        tree = self._context.tree(app)
        colour = self._context.trees.live(tree)
        deployment = self._context.live_deployment(app)
        if deployment is None:
            raise NothingDeployed(app.name)
        if not tree.slot(colour).is_dir():
            raise SlotGone(app.name, str(tree.slot(colour)))
        run = self._runs.in_slot(app, deployment, colour, Control())
        transcript.hide(run.variables)
        run.log = transcript
        return run
