"""The threads that run deployments: one deploy at a time on a server, a rollback at once, tidying up behind both."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from potions.errors import AppBusy, AppUnknown, DeployCancelled, InternalError, NotCancellable, PotionsError
from potions.flows import step
from potions.flows.run import SlotRun
from potions.flows.step import Flow
from potions.host.locks import Lock
from potions.model.app import App
from potions.model.deployment import Deployment, Kind, Status
from potions.service.context import Context
from potions.service.control import Control
from potions.service.runs import Runs

_log = logging.getLogger(__name__)
_DEPLOY_LOCK = "deploy"
#: Seconds.
_PAUSE_AFTER_A_FAILURE = 5.0


class Jobs:
    """The deployments of one home on their way."""

    def __init__(self, context: Context, runs: Runs, on_success: Callable[[int], None] = lambda _app: None) -> None:
        """``on_success`` hears of each app whose deploy or rollback has succeeded, by its id."""
        self._context = context
        self._on_success = on_success
        self._runs = runs
        self._changed = threading.Condition()
        self._controls: dict[int, Control] = {}
        self._by_app: dict[int, Deployment] = {}

    def start(self) -> None:
        """Begin to work on the queue."""
        threading.Thread(target=self._work, name="queue", daemon=True).start()

    def wake(self) -> None:
        """Something was queued or cancelled."""
        with self._changed:
            self._changed.notify_all()

    # Who holds an app

    def take_app(self, app: App, what_for: str, *, wants_other: bool = False) -> Lock:
        """The app's lock. A drain is cut short for it; ``wants_other`` leaves the slot that drains running.

        Raises AppBusy while a deploy or rollback of the app runs.
        """
        lock = self._context.locks.take(_app_lock(app.id), give_up=lambda: not self._ask_to_hurry(app, wants_other))
        if lock is None:
            running = self._by_app.get(app.id)
            which = self._words(running) if running else "another command"
            raise AppBusy(
                f"{app.name} is busy: {which} runs.",
                why=f"A {what_for} has to wait until it has ended.",
                do=f"Wait for it, or end it with: potions cancel {app.name}",
            )
        try:
            self._refuse_another(app)
        except PotionsError:
            lock.release()
            raise
        return lock

    def _words(self, running: Deployment) -> str:
        status = self._context.store.deployment(running.app_id, running.number).status
        return f"deployment {running.number} ({status.value})"

    def try_app(self, app: App, give_up: Callable[[], bool]) -> Lock | None:
        """The app's lock, where nobody works on it; nobody is hurried for it. None where somebody still does."""
        return self._context.locks.take(_app_lock(app.id), give_up)

    def _refuse_another(self, app: App) -> None:
        """While somebody waited, the app may have been deleted, and its name given to another."""
        if self._context.app(app.name).id != app.id:
            raise AppUnknown(app.name)

    def is_running(self, app_id: int) -> bool:
        """Whether a deploy or rollback of the app runs that has not succeeded yet."""
        with self._changed:
            running = self._by_app.get(app_id)
            return running is not None and not self._controls[running.id].finishing

    def is_known(self, deployment: Deployment) -> bool:
        """Whether it is on its way in this process."""
        with self._changed:
            return deployment.id in self._controls

    def cancel(self, deployment: Deployment) -> None:
        """Cancel one that waits or runs; raises NotCancellable."""
        with self._changed:
            control = self._controls.get(deployment.id)
            status = self._context.store.deployment(deployment.app_id, deployment.number).status
            if status.ended:
                raise _not_cancellable(deployment, f"It has ended: {status.value}.")
            if control is None:
                self._context.store.cancel(deployment.id)
                self._changed.notify_all()
                return
        if control.finishing or not control.cancel():
            raise _not_cancellable(
                deployment,
                "A migration, the end of the release before, and the switch itself are not interrupted half way.",
            )

    def _ask_to_hurry(self, app: App, wants_other: bool) -> bool:
        """True where waiting for the app makes sense: it only drains, and was asked to end that."""
        with self._changed:
            running = self._by_app.get(app.id)
            if running is None:
                # Between two holders: the lock is free in a moment.
                return True
            control = self._controls[running.id]
            if control.finishing:
                control.hurry(wants_other=wants_other)
            return control.finishing

    # The queue

    def _work(self) -> None:
        while True:
            try:
                self._work_on_next()
            except Exception:
                # The store cannot be written, as when the disk is full: what waits goes on waiting, and is tried again.
                _log.exception("the queue")
                time.sleep(_PAUSE_AFTER_A_FAILURE)

    def _work_on_next(self) -> None:
        with self._changed:
            while (deployment := self._next()) is None:
                self._changed.wait()
        self.guard(deployment, self._deploy)

    def _next(self) -> Deployment | None:
        waiting = (one for one in self._context.store.unfinished() if one.status is Status.QUEUED)
        return next((one for one in waiting if one.kind is not Kind.ROLLBACK and one.id not in self._controls), None)

    def _deploy(self, deployment: Deployment) -> None:
        server = self._context.locks.take(_DEPLOY_LOCK)
        try:
            lock = self._context.locks.take(_app_lock(deployment.app_id), give_up=lambda: self._is_over(deployment))
            if lock is not None:
                self.run(deployment, lock)
        finally:
            if server is not None:
                server.release()

    def _is_over(self, deployment: Deployment) -> bool:
        return self._context.store.deployment(deployment.app_id, deployment.number).status.ended

    # One deployment

    def guard(self, deployment: Deployment, work: Callable[[Deployment], object]) -> None:
        """Do ``work``; whatever goes wrong is recorded, so that nobody waits for it for ever."""
        try:
            work(deployment)
        except PotionsError as error:
            self._record_if_open(deployment, error)
        except Exception:
            _log.exception("deployment %s of %s", deployment.number, deployment.app)
            log = self._context.home.part_log("agent")
            self._record_if_open(deployment, InternalError("Potions made a mistake.", do=f"See {log}"))

    def run(self, deployment: Deployment, lock: Lock) -> bool:
        """Run a deployment whose app is locked, up to its success or failure; the lock goes when all is tidied up."""
        control = Control()
        try:
            with self._changed:
                if self._is_over(deployment):
                    # Cancelled in the very moment its turn came.
                    lock.release()
                    return False
                self._controls[deployment.id] = control
                self._by_app[deployment.app_id] = deployment
            app, _ = self._context.present(deployment.app)
            run = self._runs.begin(app, deployment, control)
            flow = self._runs.flow_of(deployment, run)
            succeeded = step.perform(flow, run)
            if succeeded:
                self._context.set_stopped(app, False)
                self._on_success(app.id)
        except BaseException:
            self._done(deployment, lock)
            raise
        if succeeded:
            self.finish_in_background(flow, run, control, lock)
        else:
            self._done(deployment, lock)
        return succeeded

    def finish_in_background(self, flow: Flow[SlotRun], run: SlotRun, control: Control, lock: Lock) -> None:
        """Drain and retire, while others may deploy. Holds the app's lock until that is done."""
        with self._changed:
            control.finishing = True
            self._controls[run.deployment.id] = control
            self._by_app[run.deployment.app_id] = run.deployment
        name = f"finish {run.app.name} {run.deployment.number}"
        threading.Thread(target=self._finish, args=(flow, run, lock), name=name, daemon=True).start()

    def _finish(self, flow: Flow[SlotRun], run: SlotRun, lock: Lock) -> None:
        try:
            step.finish(flow, run)
        except Exception:
            _log.exception("finishing deployment %s of %s", run.deployment.number, run.app.name)
        finally:
            self._done(run.deployment, lock)

    def _done(self, deployment: Deployment, lock: Lock) -> None:
        with self._changed:
            self._controls.pop(deployment.id, None)
            self._by_app.pop(deployment.app_id, None)
            lock.release()
            self._changed.notify_all()

    def _record_if_open(self, deployment: Deployment, error: PotionsError) -> None:
        try:
            self._record(deployment, error)
        except PotionsError as why:
            # The disk is full, most likely. Whoever follows the deployment waits for this word.
            _log.error("deployment %s of %s ended, which cannot be written: %s", deployment.number, deployment.app, why)
            name = f"record {deployment.app} {deployment.number}"
            threading.Thread(target=self._record_in_the_end, args=(deployment, error), name=name, daemon=True).start()

    def _record_in_the_end(self, deployment: Deployment, error: PotionsError) -> None:
        """Try again and again; a restart of the agent settles it as well."""
        while True:
            time.sleep(_PAUSE_AFTER_A_FAILURE)
            try:
                self._record(deployment, error)
            except PotionsError:
                continue
            self.wake()
            return

    def _record(self, deployment: Deployment, error: PotionsError) -> None:
        if self._is_over(deployment):
            return
        if isinstance(error, DeployCancelled):
            self._context.store.cancel(deployment.id)
        else:
            self._context.store.fail(deployment.id, step.failure_of(error))


def _app_lock(app_id: int) -> str:
    return f"app-{app_id}"


def _not_cancellable(deployment: Deployment, why: str) -> NotCancellable:
    return NotCancellable(f"Deployment {deployment.number} of {deployment.app} cannot be cancelled.", why=why)
