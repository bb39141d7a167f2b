"""What must hold of a deployment on its way, in the store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from potions.errors import InternalError
from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Deployment, Failure, Kind, Status
from potions.store.store import Store

ENDS: dict[str, Callable[[Store, int], None]] = {
    "succeeded": lambda store, id: store.succeed(id),
    "failed": lambda store, id: store.fail(id, Failure("app-exited", "The app ended.")),
    "cancelled": lambda store, id: store.cancel(id),
}
CHANGES: dict[str, Callable[[Store, int], None]] = {
    **ENDS,
    "begun": lambda store, id: store.begin(id, Colour.BLUE, None, {}, []),
    "going on": lambda store, id: store.step_began(id, "verify", Status.VERIFYING),
}


def test_beginning_says_where_and_with_what(store: Store, app: App, deploy) -> None:
    """Slot, predecessor, time and variables are kept, and those given at first are replaced."""
    made = store.create_deployment(app.id, Kind.ROLLBACK, deploy().release.id, "ana", 1, {"KEY": "first"}, ["A"])
    store.begin(made.id, Colour.GREEN, 1, {"KEY": "then"}, ["B"])
    begun = store.deployment(app.id, made.number)
    assert (begun.slot, begun.previous, begun.status) == (Colour.GREEN, 1, Status.QUEUED)
    assert begun.began is not None
    assert begun.began >= begun.created
    assert store.environment_of(made.id) == ({"KEY": "then"}, {"B"})


@pytest.mark.parametrize("status", [status for status in Status if not status.ended])
def test_a_status_is_kept(store: Store, app: App, deploy, status: Status) -> None:
    """Each one on the way can be set."""
    made = deploy()
    store.step_began(made.id, "verify", status)
    assert store.deployment(app.id, made.number).status is status


@pytest.mark.parametrize("status", [status for status in Status if status.ended])
def test_an_end_is_no_status_to_set(store: Store, app: App, deploy, status: Status) -> None:
    """Ending takes more than a word: time, drain, reason."""
    made = deploy()
    with pytest.raises(InternalError):
        store.step_began(made.id, "verify", status)
    assert store.deployment(app.id, made.number) == made


def test_success_serves_and_drains(store: Store, app: App, deploy) -> None:
    """It ended well, and drains until that is over; saying so twice is all right."""
    made = deploy()
    store.succeed(made.id)
    done = store.deployment(app.id, made.number)
    assert (done.status, done.draining) == (Status.SUCCEEDED, True)
    assert done.ended is not None
    assert store.draining() == [done]
    store.drained(made.id)
    store.drained(made.id)
    assert store.draining() == []
    assert store.deployment(app.id, made.number).ended == done.ended


def test_success_ends_the_last_step(store: Store, deploy) -> None:
    """No step is left open behind a success."""
    made = deploy()
    store.step_began(made.id, "confirm")
    store.succeed(made.id)
    assert [step.ended is not None for step in store.steps(made.id)] == [True]


def test_failure_says_why(store: Store, app: App, deploy) -> None:
    """Every part of the reason comes back, also text that is no valid UTF-8."""
    made = deploy()
    failure = Failure("app-exited", "The app ended.", why="last line: caf\udce9", do="Look at its log.")
    store.fail(made.id, failure)
    failed = store.deployment(app.id, made.number)
    assert (failed.status, failed.failure, failed.draining) == (Status.FAILED, failure, False)
    assert failed.ended is not None


def test_cancelled_is_an_end(store: Store, app: App, deploy) -> None:
    """It has its time and no reason."""
    made = deploy()
    store.cancel(made.id)
    cancelled = store.deployment(app.id, made.number)
    assert (cancelled.status, cancelled.failure) == (Status.CANCELLED, None)
    assert cancelled.ended is not None


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("change", CHANGES)
def test_what_has_ended_stays_as_it_is(store: Store, app: App, deploy, end: str, change: str) -> None:
    """Every change after every end is a mistake of ours, and changes nothing."""
    made = deploy()
    ENDS[end](store, made.id)
    before = store.deployment(app.id, made.number)
    with pytest.raises(InternalError):
        CHANGES[change](store, made.id)
    assert store.deployment(app.id, made.number) == before


@pytest.mark.parametrize("change", CHANGES)
def test_an_unknown_deployment_cannot_be_changed(store: Store, change: str) -> None:
    """Its app was purged meanwhile, or it never was."""
    with pytest.raises(InternalError):
        CHANGES[change](store, 999)


def test_nothing_drains_for_what_never_served(store: Store, deploy) -> None:
    """A drain comes after a success only."""
    with pytest.raises(InternalError):
        store.drained(deploy().id)


def serve(store: Store, made: Deployment, previous: int | None) -> None:
    store.begin(made.id, Colour.BLUE, previous, {}, [])
    store.succeed(made.id)


def statuses(store: Store, app: App) -> dict[int, Status]:
    return {deployment.number: deployment.status for deployment in store.deployments(app.id)}


def test_a_rollback_marks_what_it_replaced(store: Store, app: App, deploy) -> None:
    """Once it serves, and not before; going back and forth marks each in turn."""
    serve(store, deploy(), None)
    serve(store, deploy(), 1)
    back = deploy(Kind.ROLLBACK, target=1)
    store.begin(back.id, Colour.BLUE, 2, {}, [])
    assert statuses(store, app)[2] is Status.SUCCEEDED
    store.succeed(back.id)
    assert statuses(store, app) == {1: Status.SUCCEEDED, 2: Status.ROLLED_BACK, 3: Status.SUCCEEDED}
    serve(store, deploy(Kind.ROLLBACK, target=2), 3)
    assert statuses(store, app)[3] is Status.ROLLED_BACK


def test_a_rolled_back_deployment_still_drains(store: Store, app: App, deploy) -> None:
    """A rollback may come while the deployment before it is not done draining."""
    serve(store, deploy(), None)
    served = deploy()
    serve(store, served, 1)
    serve(store, deploy(Kind.ROLLBACK, target=1), 2)
    assert store.deployment(app.id, 2).draining
    store.drained(served.id)
    assert not store.deployment(app.id, 2).draining


def test_a_rollback_that_fails_marks_nothing(store: Store, app: App, deploy) -> None:
    """What it was to replace still serves."""
    serve(store, deploy(), None)
    serve(store, deploy(), 1)
    back = deploy(Kind.ROLLBACK, target=1)
    store.begin(back.id, Colour.BLUE, 2, {}, [])
    store.fail(back.id, Failure("unhealthy", "It did not answer."))
    assert statuses(store, app) == {1: Status.SUCCEEDED, 2: Status.SUCCEEDED, 3: Status.FAILED}


def test_a_deploy_marks_nothing(store: Store, app: App, deploy) -> None:
    """What an ordinary deploy replaces has succeeded all the same."""
    serve(store, deploy(), None)
    serve(store, deploy(), 1)
    assert statuses(store, app) == {1: Status.SUCCEEDED, 2: Status.SUCCEEDED}


def test_a_rollback_leaves_other_apps_alone(store: Store, app: App, choose, deploy) -> None:
    """Numbers are an app's own: the other one's deployment of the same number stays as it is."""
    other = store.create_app("blog2", choose, {})
    store.add_release(other.id, "b" * 64, "tar.gz", 10, "b")
    same_number = store.create_deployment(other.id, Kind.DEPLOY, "b" * 64, "bob")
    store.succeed(same_number.id)
    serve(store, deploy(), None)
    serve(store, deploy(Kind.ROLLBACK, target=1), 1)
    assert statuses(store, app)[1] is Status.ROLLED_BACK
    assert statuses(store, other)[1] is Status.SUCCEEDED


def test_only_a_success_can_be_rolled_back(store: Store, app: App, deploy) -> None:
    """A deployment that failed stays failed, whatever a rollback says it replaced."""
    failed = deploy()
    store.fail(failed.id, Failure("unhealthy", "It did not answer."))
    serve(store, deploy(Kind.ROLLBACK, target=1), failed.number)
    assert statuses(store, app)[failed.number] is Status.FAILED
