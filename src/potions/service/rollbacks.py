"""Going back: to what served directly before, to a release, or to a deployment; and what that would do."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from potions.errors import NothingDeployed, NothingToRollBackTo, ServesAlready
from potions.host.locks import Lock
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Deployment, Kind, Release, SlotContent
from potions.model.service import Phase, slot_service
from potions.model.variable import Liveness
from potions.model.variables import automatic_of_then, differences, environment_of_then
from potions.schema import RollbackPreview, RollbackRequest, RollbackVariables, RollbackWay
from potions.service.context import Context
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService
from potions.service.targets import Targets
from potions.store.records import StepRecord

#: The steps that a release which is in no slot any more needs, besides those of every rollback.
_UNPACK, _BUILD = "unpack", "build"


# Without a repr: the values of variables have no business in a log.
@dataclass(frozen=True, repr=False)
class _Plan:
    """A rollback that could begin now."""

    serves: Deployment
    target: Deployment
    slot: Colour
    """The slot it goes to."""
    variables: Mapping[str, str]
    automatic: Collection[str]
    held: bool
    """The slot holds the target's release, built and ready."""
    as_started: bool
    """What runs in the slot, if anything does, runs with just these variables."""


class RollbackService:
    """What may be asked about going back."""

    def __init__(self, context: Context, jobs: Jobs, lifecycle: LifecycleService) -> None:
        self._context = context
        self._jobs = jobs
        self._lifecycle = lifecycle

    def preview(self, name: str, request: RollbackRequest) -> RollbackPreview:
        """What a rollback would do. Raises what ``rollback`` would raise, apart from AppBusy."""
        app, _ = self._context.present(name)
        plan = self._plan(app, request)
        way = self._way(app, plan)
        steps = self._last_steps(app, plan.target.release) if way is RollbackWay.UNPACK else []
        saved = {key: one.value for key, one in self._context.store.variables(app.id).items()}
        live, _ = self._context.store.environment_of(plan.serves.id)
        return RollbackPreview(
            serves=plan.serves,
            target=plan.target,
            way=way,
            builds=any(step.name == _BUILD for step in steps),
            seconds=_seconds(steps),
            variables=_differing(live, plan.variables),
            not_live=_differing(saved, plan.variables),
        )

    def rollback(self, name: str, request: RollbackRequest, by: str) -> Deployment:
        """Go back; begins at once, and never waits behind other apps.

        Raises NothingToRollBackTo, NothingDeployed, AppBusy, ServesAlready, and what ``Targets.deployment`` raises.
        """
        app, _ = self._context.present(name)
        lock = self._jobs.take_app(app, "rollback", wants_other=self._wants_other(app, request))
        try:
            plan = self._plan(app, request)
            deployment = self._context.store.create_deployment(
                app.id,
                Kind.ROLLBACK,
                plan.target.release.id,
                by,
                plan.target.number,
                plan.variables,
                plan.automatic,
                slot=plan.slot,
                previous=plan.serves.number,
            )
        except BaseException:
            lock.release()
            raise
        self._begin(app, plan, deployment, lock)
        return deployment

    def _wants_other(self, app: App, request: RollbackRequest) -> bool:
        """Whether what the other slot runs is what is gone back to, so that a drain has to leave it running."""
        if request == RollbackRequest():
            return True
        plan = self._plan(app, request)
        return plan.held and plan.as_started

    def _begin(self, app: App, plan: _Plan, deployment: Deployment, lock: Lock) -> None:
        """In a thread of its own, which holds the app's lock from now on."""

        def work(one: Deployment) -> None:
            try:
                if plan.held and not plan.as_started:
                    # It drained or stood by, or is down already: whatever runs there has other variables.
                    self._context.store.end_standby(app.id)
                    self._lifecycle.end_slot(app, plan.slot)
            except BaseException:
                lock.release()
                raise
            self._jobs.run(one, lock)

        threading.Thread(
            target=self._jobs.guard, args=(deployment, work), name=f"rollback {app.name}", daemon=True
        ).start()

    def _plan(self, app: App, request: RollbackRequest) -> _Plan:
        tree = self._context.tree(app)
        serves, target = self._target(app, request)
        variables, automatic = self._variables(app, target, request.env)
        if request.to is not None:
            self._refuse_what_serves(app, serves, target, variables)
        slot = self._context.trees.live(tree).other
        content = self._held(tree, slot, target.release)
        if content is None:
            self._context.trees.check_archive(tree, target.release)
        as_started = content is not None and self._ran_with(app, content) == variables
        return _Plan(serves, target, slot, variables, automatic, content is not None, as_started)

    def _held(self, tree: AppTree, slot: Colour, release: Release) -> SlotContent | None:
        """What a slot says of itself, if it holds that release as it was built."""
        content = self._context.trees.holds(tree, slot)
        as_built = content is not None and content.directory == str(tree.slot(slot))
        return content if content is not None and as_built and content.release == release.id else None

    def _target(self, app: App, request: RollbackRequest) -> tuple[Deployment, Deployment]:
        """What serves, and the deployment to bring back."""
        serves = self._context.live_deployment(app)
        if request.to is None:
            target = self._context.deployment_before(serves)
            if serves is None or target is None:
                raise NothingToRollBackTo(app.name)
            return serves, target
        if serves is None:
            raise NothingDeployed(app.name)
        return serves, Targets(self._context, app).deployment(request.to)

    def _variables(self, app: App, target: Deployment, which: RollbackVariables) -> tuple[dict[str, str], set[str]]:
        """The variables it would run with, and which of them are automatic."""
        saved = self._context.store.variables(app.id)
        today = {name: variable.value for name, variable in saved.items()}
        today_automatic = {name for name, variable in saved.items() if variable.auto}
        if which is RollbackVariables.CURRENT:
            return today, today_automatic
        then, then_automatic = self._context.store.environment_of(target.id)
        return (
            environment_of_then(then, then_automatic, today, today_automatic),
            set(automatic_of_then(then, then_automatic, today_automatic)),
        )

    def _refuse_what_serves(
        self, app: App, serves: Deployment, target: Deployment, variables: Mapping[str, str]
    ) -> None:
        if target.number != serves.number:
            live, _ = self._context.store.environment_of(serves.id)
            if target.release.id != serves.release.id or variables != live:
                return
        label = target.release.label
        same = "" if target.number == serves.number else f", with the variables of deployment {target.number}"
        raise ServesAlready(
            f"{label} serves {app.name} already.",
            why=f"Deployment {serves.number} runs it{same}.",
            do=f"To start it anew with the variables saved now: potions redeploy {app.name}",
        )

    def _ran_with(self, app: App, content: SlotContent) -> dict[str, str]:
        """The variables of the deployment for which a slot ran last, or runs still."""
        ran = self._context.store.deployment(app.id, content.deployment)
        return self._context.store.environment_of(ran.id)[0]

    def _way(self, app: App, plan: _Plan) -> RollbackWay:
        if not plan.held:
            return RollbackWay.UNPACK
        running = self._context.supervisor.state(slot_service(app.name, plan.slot)).phase is Phase.RUNNING
        return RollbackWay.RUNNING if running and plan.as_started else RollbackWay.HELD

    def _last_steps(self, app: App, release: Release) -> list[StepRecord]:
        """How unpacking and building went the last time that the release was unpacked and then served."""
        history = next(one for one in self._context.store.release_history(app.id) if one.release.id == release.id)
        for brief in history.deployments:
            if brief.served is not None:
                steps = self._context.store.steps(self._context.store.deployment(app.id, brief.number).id)
                unpacked = [step for step in steps if step.name in {_UNPACK, _BUILD}]
                if unpacked:
                    return unpacked
        return []


def _seconds(steps: Collection[StepRecord]) -> float | None:
    times = [(step.ended - step.began).total_seconds() for step in steps if step.ended is not None]
    return sum(times) if times else None


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [name for name, state in differences(one, other).items() if state is not Liveness.LIVE]
