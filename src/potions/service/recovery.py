"""What the agent does when it starts: settle what a crash left, then have run what should run.

The truth about which slot serves is the link ``.live``; the journal says which steps began. Before the point of no
return a deployment is undone, behind it it goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from potions.errors import PotionsError, StepInterrupted
from potions.flows import step
from potions.flows.deploy import SWITCH, deploy, rollback
from potions.flows.holding import HOLD
from potions.flows.run import SlotRun
from potions.flows.step import Flow
from potions.host.caddy import wait_until_up
from potions.host.files import remove_tree
from potions.model.app import App
from potions.model.deployment import Deployment, Kind
from potions.model.service import slot_service
from potions.service.apps import AppService
from potions.service.context import Context
from potions.service.control import Control
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService
from potions.service.programs import programs_of
from potions.service.runs import Runs
from potions.service.transcript import Transcript

_log = logging.getLogger(__name__)

T = TypeVar("T", App, Deployment, str)

#: Who asks for what nobody asked for.
_BY = "potions"
#: Seconds to wait for the proxy at most.
_PROXY_TIMEOUT = 10.0


class Recovery:
    """Runs once, before the agent answers anybody."""

    def __init__(self, context: Context, runs: Runs, jobs: Jobs, apps: AppService, lifecycle: LifecycleService) -> None:
        self._context = context
        self._runs = runs
        self._jobs = jobs
        self._apps = apps
        self._lifecycle = lifecycle

    def run(self) -> None:
        """Bring everything to where it should be. What fails for one app does not keep the others from it."""
        self._apps.finish_interrupted()
        for app in self._context.store.apps():
            self._attempt(self._context.mend, app)
            self._context.supervisor.keep_stopped(app.name, stopped=app.stopped)
        self._settle_services()
        self._context.terminals.end_leftovers()
        for deployment in self._context.store.unfinished():
            self._attempt(self._settle, deployment)
        self._settle_sites()
        for deployment in self._context.store.draining():
            # It serves, so nobody stopped the app since; the crash came before that was remembered.
            self._context.set_stopped(self._context.app(deployment.app), False)
        draining = {deployment.app_id for deployment in self._context.store.draining()}
        for app in self._context.store.apps():
            self._attempt(self._settle_other_slot if app.id not in draining else _leave, app)
            self._attempt(self._settle_live_slot, app)
            self._attempt(self._settle_hold, app)
        for app in self._context.store.apps():
            self._attempt(self._settle_programs, app)
        for deployment in self._context.store.draining():
            self._attempt(self._finish, deployment)

    def _attempt(self, settle: Callable[[T], None], what: T) -> None:
        try:
            settle(what)
        except PotionsError as error:
            _log.error("recovery of %s: %s", what, error)
        except Exception:
            # One that nobody had thought of: the agent has to come up all the same, or no app could be helped.
            _log.exception("recovery of %s", what)

    def _settle(self, deployment: Deployment) -> None:
        """One that the crash interrupted: undone, or brought to its end. One that only waited keeps waiting."""
        began = [record.name for record in self._context.store.steps(deployment.id) if record.undone is None]
        interrupted = StepInterrupted(
            "Potions was stopped in the middle of it.", why="What it had done is undone.", do="Deploy again."
        )
        app = self._context.app(deployment.app)
        if self._context.is_gone(app) or (deployment.kind is Kind.ROLLBACK and not began):
            self._context.store.fail(deployment.id, step.failure_of(interrupted))
        elif began:
            self._go_on_or_undo(app, deployment, began, interrupted)

    def _go_on_or_undo(self, app: App, deployment: Deployment, began: list[str], why: StepInterrupted) -> None:
        run = self._runs.rebuild(app, deployment, Control())
        flow = _flow_that_began(began)
        if not self._is_past_the_switch(run, began):
            step.undo_crashed(flow, run, began, why)
            return
        lock = self._jobs.take_app(app, "recovery")
        try:
            succeeded = step.resume(flow, run, began)
        except BaseException:
            lock.release()
            raise
        if succeeded:
            self._jobs.finish_in_background(flow, run, Control(), lock)
        else:
            lock.release()

    def _is_past_the_switch(self, run: SlotRun, began: list[str]) -> bool:
        """The link says it; in a hand-over, where it names the new slot from the hold on, the journal does."""
        if HOLD in began:
            return SWITCH in began
        return self._context.trees.live(run.tree) is run.slot

    def _finish(self, deployment: Deployment) -> None:
        """Drain and retire for a deployment that already serves."""
        app = self._context.app(deployment.app)
        if self._jobs.is_known(deployment):
            return
        control = Control()
        run = self._runs.rebuild(app, deployment, control)
        self._jobs.finish_in_background(deploy(), run, control, self._jobs.take_app(app, "recovery"))

    def _settle_services(self) -> None:
        """Nothing of an app that was deleted runs, wherever the delete was cut off."""
        known = {app.name for app in self._context.store.apps()}
        for service in self._context.supervisor.states():
            app, dot, _ = service.partition(".")
            if dot and app not in known:
                self._context.supervisor.remove(service)

    def _settle_sites(self) -> None:
        """The proxy knows every app that is there, and no other."""
        apps = {app.name: app for app in self._context.store.apps()}
        # Both are started at the same moment. One that never comes up must not keep the agent from telling so.
        wait_until_up(self._context.proxy, _PROXY_TIMEOUT)
        for name in set(self._context.proxy.sites()) - set(apps):
            self._attempt(self._context.proxy.remove_site, name)
        for app in apps.values():
            if not self._context.is_gone(app):
                self._attempt(self._apps.put_site, app)

    def _settle_other_slot(self, app: App) -> None:
        """Nothing of it runs, unless it drains or stands by. What stood by before a restart of the computer is over."""
        if self._context.is_gone(app):
            return
        other = self._context.trees.live(self._context.tree(app)).other
        runs = self._context.supervisor.is_running(slot_service(app.name, other))
        if not (runs and app.id in {one.app_id for one in self._context.store.standing_by()}):
            self._context.store.end_standby(app.id)
            self._lifecycle.end_slot(app, other)

    def _settle_hold(self, app: App) -> None:
        """Nobody waits for what nobody does any more."""
        if not self._context.is_gone(app):
            self._lifecycle.end_hold(app)

    def _settle_live_slot(self, app: App) -> None:
        """It runs, unless a person stopped the app. Uploads that were cut off go."""
        if self._context.is_gone(app):
            return
        tree = self._context.tree(app)
        for leftover in tree.releases.glob(".incoming-*"):
            remove_tree(leftover, below=tree.root)
        live = self._context.trees.live(tree)
        if app.stopped:
            self._lifecycle.end_slot(app, live)
            return
        serves = self._context.trees.record_of(tree, live)
        if serves is None:
            return
        if serves.directory != str(tree.slot(live)) or not tree.slot(live).is_dir():
            # The home was moved, so that what a build made knows its old path; or somebody removed the slot.
            self._deploy_again(app)
        if tree.slot(live).is_dir():
            self._lifecycle.start_live(app, Transcript())

    def _settle_programs(self, app: App) -> None:
        """The supervisor knows them as this version writes them: with an upgrade that may be otherwise."""
        if not self._context.is_gone(app):
            self._context.supervisor.renew([service for service, _ in programs_of(self._context, app)])

    def _deploy_again(self, app: App) -> None:
        serves = self._context.live_deployment(app)
        if serves is not None and not any(one.app_id == app.id for one in self._context.store.unfinished()):
            self._context.store.create_deployment(app.id, Kind.REDEPLOY, serves.release.id, _BY)
            self._jobs.wake()


def _leave(_app: App) -> None:
    """The other slot of an app that drains: it has to run on."""


def _flow_that_began(began: list[str]) -> Flow[SlotRun]:
    return rollback() if "claim" in began else deploy()
