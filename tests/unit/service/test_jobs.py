"""Who may work on an app, and what becomes of a deployment that cannot even begin. No app runs here."""

from __future__ import annotations

import threading

import pytest

from potions.errors import AppBusy, AppDirectoryGone, NoRoom, NotCancellable, PotionsError
from potions.layout import AppTree
from potions.model.app import App
from potions.model.deployment import Deployment, Failure, Kind, Status
from potions.service import Service
from potions.service.context import Context
from potions.service.control import Control
from potions.service.jobs import Jobs
from potions.service.runs import Runs
from potions.service.standby import Standbys
from support.platform import wait_for


def lock_name(app: App) -> str:
    return f"app-{app.id}"


def is_locked(context: Context, app: App) -> bool:
    lock = context.locks.try_take(lock_name(app))
    if lock is not None:
        lock.release()
    return lock is None


def again(context: Context, deployment: Deployment) -> Deployment:
    return context.store.deployment(deployment.app_id, deployment.number)


def test_a_deploy_that_was_cancelled_as_its_turn_came_lets_the_app_go(
    service: Service, context: Context, app: App, queued: Deployment
) -> None:
    """Nothing is done, and nobody waits for the app for ever."""
    lock = context.locks.take(lock_name(app))
    assert lock is not None
    service.jobs.cancel(queued)
    assert service.jobs.run(queued, lock) is False
    assert not is_locked(context, app)
    assert again(context, queued).status is Status.CANCELLED


def test_a_deploy_that_cannot_begin_is_recorded_and_lets_the_app_go(
    service: Service, context: Context, app: App, tree: AppTree, queued: Deployment
) -> None:
    """The directory was removed while it waited: it says so, and the app is free."""
    tree.storage.rmdir()
    lock = context.locks.take(lock_name(app))
    assert lock is not None
    service.jobs.guard(queued, lambda one: service.jobs.run(one, lock))
    ended = again(context, queued)
    assert ended.status is Status.FAILED
    assert ended.failure is not None
    assert ended.failure.code == AppDirectoryGone.code
    assert not is_locked(context, app)
    assert not service.jobs.is_running(app.id)


@pytest.mark.parametrize("error", [NoRoom("The disk is full."), KeyError("nobody thought of this")])
def test_whatever_goes_wrong_is_recorded(
    service: Service, context: Context, queued: Deployment, error: Exception
) -> None:
    """Nobody waits for a deployment that nothing works on."""

    def work(_deployment: Deployment) -> None:
        raise error

    service.jobs.guard(queued, work)
    ended = again(context, queued)
    assert ended.status is Status.FAILED
    assert ended.failure is not None
    assert ended.failure.code == ("no-room" if isinstance(error, PotionsError) else "internal")


def test_an_end_that_was_recorded_stays(service: Service, context: Context, queued: Deployment) -> None:
    """A mistake behind it does not turn it into another one."""

    def work(deployment: Deployment) -> None:
        context.store.cancel(deployment.id)
        raise KeyError("behind its end")

    service.jobs.guard(queued, work)
    assert again(context, queued).status is Status.CANCELLED


def test_the_queue_goes_on_after_a_store_that_could_not_be_written(
    context: Context, app: App, queued: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk for one: what could not even be recorded as failed is tried again, and then it ends."""
    monkeypatch.setattr("potions.service.jobs._PAUSE_AFTER_A_FAILURE", 0.05)
    begun: list[int] = []
    fail = context.store.fail

    def refuse(_app: App, deployment: Deployment, _control: Control) -> None:
        begun.append(deployment.id)
        raise NoRoom("The disk is full.")

    def full_at_first(deployment_id: int, failure: Failure) -> None:
        if len(begun) < 3:
            raise NoRoom("The disk is full.")
        fail(deployment_id, failure)

    runs = Runs(context, Standbys(context))
    monkeypatch.setattr(runs, "begin", refuse)
    monkeypatch.setattr(context.store, "fail", full_at_first)
    jobs = Jobs(context, runs)
    jobs.start()
    wait_for(lambda: again(context, queued).status.ended, "it ends", timeout=10)
    assert begun == [queued.id] * 3
    assert not is_locked(context, app)


# Who waits for whom


def running(service: Service, app: App, deployment: Deployment, control: Control) -> None:
    """Have a deployment of the app be on its way, as ``run`` does."""
    service.jobs._controls[deployment.id] = control
    service.jobs._by_app[app.id] = deployment


def test_an_app_that_is_being_deployed_is_busy(
    service: Service, context: Context, app: App, queued: Deployment
) -> None:
    """Whoever wants it is told by what, at once."""
    held = context.locks.take(lock_name(app))
    assert held is not None
    running(service, app, queued, Control())
    assert service.jobs.is_running(app.id)
    with pytest.raises(AppBusy, match="deployment 1"):
        service.jobs.take_app(app, "rollback")
    service.jobs._done(queued, held)
    service.jobs.take_app(app, "rollback").release()
    assert not service.jobs.is_running(app.id)


@pytest.mark.parametrize("wants_other", [True, False])
def test_an_app_that_only_drains_is_waited_for_and_hurried(
    service: Service, context: Context, app: App, queued: Deployment, wants_other: bool
) -> None:
    """It is told to be quick, and whether the other slot is wanted; then the app is ours."""
    held = context.locks.take(lock_name(app))
    assert held is not None
    control = Control()
    control.finishing = True
    running(service, app, queued, control)

    def drain() -> None:
        try:
            wait_for(control.is_hurried, "somebody waits", timeout=10)
        finally:
            service.jobs._done(queued, held)

    draining = threading.Thread(target=drain)
    draining.start()
    service.jobs.take_app(app, "rollback", wants_other=wants_other).release()
    draining.join()
    assert control.is_other_wanted() is wants_other


def test_what_waits_is_cancelled_in_the_store(service: Service, context: Context, queued: Deployment) -> None:
    """Twice is told."""
    service.jobs.cancel(queued)
    assert again(context, queued).status is Status.CANCELLED
    with pytest.raises(NotCancellable, match="cannot be cancelled") as refused:
        service.jobs.cancel(again(context, queued))
    assert "cancelled" in refused.value.why


def test_what_runs_is_cancelled_at_its_next_step(
    service: Service, context: Context, app: App, queued: Deployment
) -> None:
    """The store has it only when it is undone; where its step forbids it, it is refused."""
    held = context.locks.take(lock_name(app))
    assert held is not None
    control = Control()
    running(service, app, queued, control)
    service.jobs.cancel(queued)
    assert control.is_cancelled()
    assert again(context, queued).status is Status.QUEUED
    forbidding = Control()
    forbidding.forbid(True)
    running(service, app, queued, forbidding)
    with pytest.raises(NotCancellable):
        service.jobs.cancel(queued)
    service.jobs._done(queued, held)


def test_a_rollback_is_not_taken_from_the_queue(
    service: Service, context: Context, app: App, queued: Deployment
) -> None:
    """It has a thread of its own from its first moment; the oldest deploy is the next."""
    context.store.cancel(queued.id)
    back = context.store.create_deployment(app.id, Kind.ROLLBACK, queued.release.id, "ana", queued.number, {}, set())
    assert service.jobs._next() is None
    first = context.store.create_deployment(app.id, Kind.DEPLOY, queued.release.id, "ana")
    context.store.create_deployment(app.id, Kind.DEPLOY, queued.release.id, "ana")
    assert service.jobs._next() == first
    context.store.cancel(back.id)
