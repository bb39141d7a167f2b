"""From a deployment in the store to a run of its flow, also after a crash."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from potions.flows import deploy as flows
from potions.flows.run import SlotRun
from potions.flows.step import Flow
from potions.host.deployment_log import DeploymentLog
from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Deployment, Kind, SlotContent
from potions.model.plan import Strategy
from potions.model.variables import environment_of_then
from potions.service.context import Context
from potions.service.control import Control
from potions.service.pruning import releases_to_prune
from potions.service.standby import Standbys

#: Names a file with the point of a flow at which the agent kills itself, once. Only the crash tests set it.
_DIE_AT = "POTIONS_DIE_AT"


class Runs:
    """Makes the runs of one home."""

    def __init__(self, context: Context, standbys: Standbys) -> None:
        self._context = context
        self._standbys = standbys

    def begin(self, app: App, deployment: Deployment, control: Control) -> SlotRun:
        """A deployment's turn has come: choose its slot, take the variables saved now, and remember both.

        A rollback has begun already, with what was chosen for it.
        """
        if deployment.began is not None:
            return self.rebuild(app, deployment, control)
        context = self._context
        live = context.trees.live(context.tree(app))
        serving = context.live_deployment(app)
        saved = context.store.variables(app.id)
        variables = {name: variable.value for name, variable in saved.items()}
        automatic = {name for name, variable in saved.items() if variable.auto}
        context.store.begin(deployment.id, live.other, serving.number if serving else None, variables, automatic)
        return self.rebuild(app, context.store.deployment(app.id, deployment.number), control)

    def rebuild(self, app: App, deployment: Deployment, control: Control) -> SlotRun:
        """The run of a deployment that has begun, from what the store says of it."""
        slot = deployment.slot or self._context.trees.live(self._context.tree(app)).other
        return self.in_slot(app, deployment, slot, control)

    def in_slot(self, app: App, deployment: Deployment, slot: Colour, control: Control) -> SlotRun:
        """A run of ``deployment`` in ``slot``."""
        context = self._context
        tree = context.tree(app)
        store = context.store
        variables = self._current(app, deployment)
        log = DeploymentLog(tree.deployment_log(deployment.number))
        # From its first line on: what runs already is not configured again, and may print them too.
        log.hide(variables)
        return SlotRun(
            deployment=deployment,
            log=log,
            records=store,
            cancelled=control.is_cancelled,
            forbid_cancel=control.forbid,
            checkpoint=_die_here,
            world=context.world,
            app=app,
            tree=tree,
            slot=slot,
            variables=variables,
            served=lambda number: store.deployment(app.id, number).status.served,
            releases_to_prune=lambda keep: releases_to_prune(context, app, deployment, keep),
            forget_release=lambda release: store.prune_release(app.id, release.id),
            remember_contents=lambda files, size: store.set_contents(app.id, deployment.release.id, files, size),
            mark_drained=lambda: store.drained(deployment.id),
            serving=lambda: self._serving_before(app, deployment, slot.other),
            serving_strategy=self._strategy_before(app, deployment),
            begin_standby=lambda seconds: self._standbys.begin(deployment.id, seconds),
            end_standby=lambda: store.end_standby(app.id),
            hurried=control.is_hurried,
            other_is_wanted=control.is_other_wanted,
        )

    def _serving_before(self, app: App, deployment: Deployment, slot: Colour) -> SlotRun | None:
        if deployment.previous is None:
            return None
        serving = self._context.store.deployment(app.id, deployment.previous)
        return self.in_slot(app, serving, slot, Control())

    def _strategy_before(self, app: App, deployment: Deployment) -> Strategy | None:
        if deployment.previous is None:
            return None
        return self._context.store.deployment(app.id, deployment.previous).strategy or Strategy.OVERLAP

    def flow_of(self, deployment: Deployment, run: SlotRun) -> Flow[SlotRun]:
        """The steps for it: a rollback whose release the slot still holds, ready to run, needs nothing unpacked."""
        if deployment.kind is Kind.ROLLBACK and self._holds_release(run):
            return flows.rollback()
        return flows.deploy()

    def _holds_release(self, run: SlotRun) -> bool:
        held: SlotContent | None = self._context.trees.holds(run.tree, run.slot)
        wanted = run.content_without_plan
        return held is not None and (held.release, held.directory) == (wanted.release, wanted.directory)

    def _current(self, app: App, deployment: Deployment) -> Mapping[str, str]:
        """The variables it runs with, every automatic one as of today."""
        then, then_automatic = self._context.store.environment_of(deployment.id)
        saved = self._context.store.variables(app.id)
        today = {name: variable.value for name, variable in saved.items()}
        return environment_of_then(
            then, then_automatic, today, {name for name, variable in saved.items() if variable.auto}
        )


def _die_here(point: str) -> None:
    """Die as a killed process dies, where a test asked for exactly this point."""
    order = Path(os.environ.get(_DIE_AT, os.devnull))
    if order.is_file() and order.read_text() == point:
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
