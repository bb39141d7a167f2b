"""Stop, start and restart the live slot. The deployment stays what it was; only its processes come and go."""

from __future__ import annotations

from potions.errors import NoRoom, NothingDeployed, PotionsError
from potions.flows import deploy as steps
from potions.flows.run import SlotRun, stop_timeout_of
from potions.flows.switch import UNSERVED_GRACE
from potions.flows.verify import verify_slot
from potions.layout import Colour
from potions.model.app import App
from potions.model.service import slot_service
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
        app, tree = self._context.present(name)
        if self._context.trees.holds(tree, self._context.trees.live(tree)) is None:
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
        """Stop the live slot, start it again with the variables it had, and wait until it is healthy."""
        app, tree = self._context.present(name)
        lock = self._jobs.take_app(app, "restart")
        try:
            # Whatever has to be written is written while it still serves: the disk may be full.
            steps.configure_slot(self._live_run(app, Transcript()))
            self._context.store.set_stopped(app.id, False)
            self.end_slot(app, self._context.trees.live(tree))
            self._start_and_check(app)
        finally:
            lock.release()

    def start_live(self, app: App, transcript: Transcript) -> SlotRun:
        """Start the live slot if it does not run, without waiting until it is healthy."""
        run = self._live_run(app, transcript)
        if steps.is_cold(run):
            steps.configure_slot(run)
            steps.start_slot(run)
        return run

    def end_both(self, app: App) -> None:
        """Stop both slots; for an app whose directory is gone as well."""
        for colour in Colour:
            self.end_slot(app, colour)

    def end_slot(self, app: App, colour: Colour) -> None:
        """Stop one slot with all that came of it. It gets the time that its own manifest asks for."""
        tree = self._context.tree(app)
        grace = UNSERVED_GRACE if self._context.is_gone(app) else stop_timeout_of(self._context.world, tree, colour)
        self._context.supervisor.stop(slot_service(app.name, colour), grace)
        self._context.network.end_processes(tree, colour, grace)

    def _remember_stopped(self, app: App) -> None:
        try:
            self._context.store.set_stopped(app.id, True)
        except NoRoom as full:
            raise NoRoom(
                f"{app.name} is stopped, but that could not be remembered: the disk is full.",
                do=f"Make room, then stop it again; otherwise it starts with Potions. ({full.what})",
            ) from full

    def _start_and_check(self, app: App) -> None:
        self._context.store.set_stopped(app.id, False)
        transcript = Transcript()
        run = self.start_live(app, transcript)
        try:
            verify_slot(run)
        except PotionsError as error:
            error.why = "\n".join(filter(None, [error.why, *transcript.lines]))
            raise

    def _live_run(self, app: App, transcript: Transcript) -> SlotRun:
        """A run over what the live slot holds, to read its plan and start it; raises NothingDeployed."""
        tree = self._context.tree(app)
        colour = self._context.trees.live(tree)
        held = self._context.trees.holds(tree, colour)
        if held is None:
            raise NothingDeployed(app.name)
        deployment = self._context.store.deployment(app.id, held.deployment)
        run = self._runs.in_slot(app, deployment, colour, Control())
        transcript.hide(run.variables)
        run.log = transcript
        return run
