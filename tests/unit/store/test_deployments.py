"""What must hold of the history of deployments in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from potions.errors import AppUnknown, DeploymentUnknown, InternalError, ReleaseUnknown
from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Failure, Kind, Status
from potions.names import AppName, ReleaseId
from potions.store.records import ChoosePorts, TrashRecord
from potions.store.store import Store

B = ReleaseId("b" * 64)


def test_a_deployment_waits_first(store: Store, app: App, release: ReleaseId) -> None:
    """It is queued, has the app's next number, and nothing has happened to it."""
    made = store.create_deployment(app.id, Kind.REDEPLOY, release, "ana")
    assert (made.app_id, made.app, made.number) == (app.id, "blog", 1)
    assert (made.kind, made.status, made.by) == (Kind.REDEPLOY, Status.QUEUED, "ana")
    assert made.release == store.release(app.id, release)
    assert made.created.tzinfo is not None
    assert (made.slot, made.previous, made.target, made.began, made.ended, made.failure) == (None,) * 6
    assert not made.draining
    assert store.deployment(app.id, 1) == made


def test_numbers_count_up_per_app(store: Store, app: App, choose: ChoosePorts, deploy) -> None:
    """Every app begins at 1; the order of the list is newest first, and a limit keeps the newest."""
    other = store.create_app(AppName("blog2"), choose, {})
    store.add_release(other.id, B, "tar.gz", 10, "b")
    assert [deploy().number for _turn in range(3)] == [1, 2, 3]
    assert store.create_deployment(other.id, Kind.DEPLOY, B, "bob").number == 1
    assert [deployment.number for deployment in store.deployments(app.id)] == [3, 2, 1]
    assert [deployment.number for deployment in store.deployments(app.id, 2)] == [3, 2]


def test_threads_get_numbers_of_their_own(store: Store, app: App, deploy) -> None:
    """Two deploys that come in at once get two numbers, without a gap."""
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda _turn: deploy().number, range(24)))
    assert sorted(numbers) == list(range(1, 25))


def test_a_rollback_knows_its_target_and_its_variables(store: Store, app: App, release: ReleaseId) -> None:
    """They are there from the start."""
    made = store.create_deployment(app.id, Kind.ROLLBACK, release, "ana", 7, {"KEY": "then"}, ["PHX_HOST"])
    assert (made.kind, made.target) == (Kind.ROLLBACK, 7)
    assert store.environment_of(made.id) == ({"KEY": "then"}, {"PHX_HOST"})


def test_a_deployment_that_has_not_begun_has_no_variables(store: Store, deploy) -> None:
    """Which ones it runs with is decided when its turn comes."""
    assert store.environment_of(deploy().id) == ({}, set())


def test_an_unknown_release_makes_no_deployment(store: Store, app: App) -> None:
    """Nothing joins the queue."""
    with pytest.raises(ReleaseUnknown):
        store.create_deployment(app.id, Kind.DEPLOY, B, "ana")
    assert store.unfinished() == []


def test_a_deleted_app_gets_no_deployment(store: Store, app: App, release: ReleaseId) -> None:
    """A deploy that outlived its app is refused."""
    store.delete_app(app.id, TrashRecord(app.id, app.name, "blog-1", app.created, app.created, 0, 0))
    with pytest.raises(AppUnknown):
        store.create_deployment(app.id, Kind.DEPLOY, release, "ana")


def test_an_unknown_deployment_is_told(store: Store, app: App, choose: ChoosePorts, deploy) -> None:
    """Another app's number is unknown too."""
    deploy()
    other = store.create_app(AppName("blog2"), choose, {})
    for app_id, number in ((app.id, 2), (other.id, 1)):
        with pytest.raises(DeploymentUnknown):
            store.deployment(app_id, number)
    with pytest.raises(InternalError):
        store.environment_of(999)


def test_a_deployment_names_its_release_also_when_that_is_pruned(store: Store, app: App, deploy) -> None:
    """History does not change with the disk."""
    made = deploy()
    store.prune_release(app.id, made.release.id)
    assert store.deployment(app.id, made.number).release.label == "r1"


def test_the_queue_goes_by_who_asked_first(store: Store, app: App, choose: ChoosePorts, deploy) -> None:
    """All apps wait in one queue, and what has ended has left it."""
    other = store.create_app(AppName("aaa"), choose, {})
    store.add_release(other.id, B, "tar.gz", 10, "b")
    first, second = deploy(), store.create_deployment(other.id, Kind.DEPLOY, B, "bob")
    third = deploy()
    assert store.unfinished() == [first, second, third]
    store.cancel(second.id)
    store.step_began(first.id, "receive", Status.BUILDING)
    assert [deployment.id for deployment in store.unfinished()] == [first.id, third.id]


def test_what_serves_is_the_last_that_took_the_traffic(store: Store, app: App, deploy) -> None:
    """A failed one never did, and a rollback overtakes the deploy that waits with a lower number."""
    assert store.last_served(app.id) is None
    first, waiting, rollback = deploy(), deploy(), deploy(Kind.ROLLBACK)
    store.succeed(first.id)
    store.succeed(rollback.id)
    last = store.last_served(app.id)
    assert last is not None
    assert last.number == rollback.number
    store.succeed(waiting.id)
    store.cancel(deploy().id)
    last = store.last_served(app.id)
    assert last is not None
    assert last.number == waiting.number


def test_what_a_deployment_ran_with_opens_for_it_alone(store: Store, deploy) -> None:
    """Two deployments keep their variables apart, also when those of the app change."""
    first, second = deploy(), deploy()
    store.begin(first.id, Colour.BLUE, None, {"KEY": "one", "EMPTY": ""}, ["B", "A"])
    store.begin(second.id, Colour.GREEN, 1, {}, [])
    assert store.environment_of(first.id) == ({"KEY": "one", "EMPTY": ""}, {"A", "B"})
    assert store.environment_of(second.id) == ({}, set())


def test_an_app_whose_newest_deployment_failed_is_named(store: Store, app: App, deploy) -> None:
    """By its number, until another one is asked for."""
    assert store.newest_failed() == {}
    store.fail(deploy().id, Failure("app-exited", "It ended."))
    failed = deploy()
    store.fail(failed.id, Failure("app-exited", "It ended."))
    assert store.newest_failed() == {app.id: failed.number}
    deploy()
    assert store.newest_failed() == {}


def test_a_history_is_one_query(store: Store, app: App, deploy) -> None:
    """However long it is: release, sizes and failure come with each row."""
    for _ in range(5):
        store.fail(deploy().id, Failure("app-exited", "It ended."))
    asked: list[str] = []
    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    found = store.deployments(app.id)
    assert [
        (one.release.label, one.release.packed_bytes, one.failure.what if one.failure else "") for one in found
    ] == [("r1", 1000, "It ended.")] * 5
    assert len([one for one in asked if one.startswith("SELECT")]) == 1
