"""What must hold of deleted apps in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from potions.errors import AppTaken, AppUnknown, InternalError, PortsExhausted, TrashUnknown
from potions.layout import Colour
from potions.model.app import App, Ports
from potions.model.deployment import Status
from potions.names import AppName
from potions.store.records import ChoosePorts, StoredVariable, TrashRecord
from potions.store.store import Store

DELETED = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
KEPT = timedelta(hours=72)


def record_of(app: App, deleted: datetime = DELETED) -> TrashRecord:
    return TrashRecord(app.id, app.name, f"{app.name}-{app.id}", deleted, deleted + KEPT, 5_000_000_000, 12)


def test_a_deleted_app_is_gone_for_everybody(store: Store, app: App) -> None:
    """It is neither listed nor found, and cannot be changed or deleted again."""
    store.delete_app(app.id, record_of(app))
    assert store.apps() == []
    with pytest.raises(AppUnknown):
        store.app(app.name)
    with pytest.raises(AppUnknown):
        store.set_stopped(app.id, True)
    with pytest.raises(AppUnknown):
        store.change_variables(app.id, {"A": "1"}, [])
    with pytest.raises(AppUnknown):
        store.delete_app(app.id, record_of(app))


def test_the_trash_says_what_is_in_it(store: Store, app: App) -> None:
    """The record comes back as it was given."""
    store.delete_app(app.id, record_of(app))
    assert store.trash() == [record_of(app)]
    assert store.trashed("blog") == record_of(app)


def test_a_deletion_without_trash_leaves_nothing(store: Store, app: App) -> None:
    """Its rows go at once, and forgetting it once more is all right."""
    store.delete_app(app.id, None)
    store.forget_app(app.id)
    assert store.apps() == [] == store.trash()
    assert store.variables(app.id) == {}


def test_a_record_of_another_app_is_refused(store: Store, app: App, choose: ChoosePorts) -> None:
    """A deletion under a wrong record would bring back the wrong app."""
    other = store.create_app(AppName("blog2"), choose, {})
    with pytest.raises(InternalError):
        store.delete_app(app.id, record_of(other))
    assert store.apps() == [app, other]


def test_the_name_and_the_ports_are_free(store: Store, app: App, choose: ChoosePorts) -> None:
    """An app in the trash keeps neither."""
    store.delete_app(app.id, record_of(app))
    again = store.create_app(app.name, choose, {})
    assert again.ports == app.ports
    assert again.id != app.id


def test_of_two_deleted_apps_the_newer_one_is_meant(store: Store, app: App, choose: ChoosePorts) -> None:
    """The order is that of the deletions, also when the clock was set back in between."""
    store.delete_app(app.id, record_of(app))
    second = store.create_app(app.name, choose, {})
    store.delete_app(second.id, record_of(second, DELETED - timedelta(days=1)))
    assert store.trashed("blog").app_id == second.id
    assert [record.app_id for record in store.trash()] == [second.id, app.id]


def test_nothing_in_the_trash_is_told(store: Store, app: App) -> None:
    """A living app is not in the trash, and neither is one that never was."""
    for name in ("blog", "shop"):
        with pytest.raises(TrashUnknown):
            store.trashed(name)
    with pytest.raises(TrashUnknown):
        store.restore_app(app.id, AppName("blog"), lambda _taken: Ports(9000))
    assert store.apps() == [app]


def test_a_restored_app_has_everything_back(store: Store, app: App, choose: ChoosePorts, deploy) -> None:
    """Variables, releases, deployments and what they ran with are as they were; only the ports are new."""
    store.change_variables(app.id, {"MINE": "kept"}, [])
    first = deploy()
    store.begin(first.id, Colour.BLUE, None, {"MINE": "kept"}, ["PHX_HOST"])
    store.succeed(first.id)
    store.drained(first.id)
    before = (store.variables(app.id), store.releases(app.id), store.deployments(app.id))
    store.delete_app(app.id, record_of(app))
    store.create_app(AppName("shop"), choose, {})
    back = store.restore_app(app.id, AppName("blog"), choose)
    assert (back.id, back.name, back.created) == (app.id, "blog", app.created)
    assert back.ports == Ports(4002)
    assert (store.variables(app.id), store.releases(app.id), store.deployments(app.id)) == before
    assert store.environment_of(first.id) == ({"MINE": "kept"}, {"PHX_HOST"})
    assert store.trash() == []


def test_a_name_in_use_is_refused(store: Store, app: App, choose: ChoosePorts) -> None:
    """The app stays in the trash, and comes back under another name."""
    store.delete_app(app.id, record_of(app))
    store.create_app(app.name, choose, {})
    with pytest.raises(AppTaken):
        store.restore_app(app.id, app.name, choose)
    assert store.trashed("blog").app_id == app.id
    assert store.restore_app(app.id, AppName("blog-old"), choose).name == "blog-old"
    assert [app.name for app in store.apps()] == ["blog", "blog-old"]


def test_no_ports_no_restore(store: Store, app: App) -> None:
    """Where no pair is left the app stays in the trash."""
    store.delete_app(app.id, record_of(app))
    with pytest.raises(PortsExhausted):
        store.restore_app(app.id, app.name, lambda _taken: None)
    assert store.trash() == [record_of(app)]


def test_automatic_values_are_made_anew(store: Store, app: App, choose: ChoosePorts) -> None:
    """Those the platform made change with the name; a person's own, and one that was removed, do not."""
    store.change_variables(app.id, {"SECRET_KEY_BASE": "mine"}, [])
    store.delete_app(app.id, record_of(app))
    anew = {"PHX_HOST": "news.localhost", "SECRET_KEY_BASE": "anew", "MIX_ENV": "prod"}
    store.restore_app(app.id, AppName("news"), choose, anew)
    assert store.variables(app.id) == {
        "PHX_HOST": StoredVariable("news.localhost", auto=True),
        "SECRET_KEY_BASE": StoredVariable("mine", auto=False),
    }


def test_an_app_can_be_deleted_and_restored_twice(store: Store, app: App, choose: ChoosePorts) -> None:
    """The way there and back is open any number of times."""
    for _turn in range(2):
        store.delete_app(app.id, record_of(app))
        store.restore_app(app.id, app.name, choose)
    assert store.apps() == [app]


def test_a_deletion_ends_what_was_on_its_way(store: Store, app: App, choose: ChoosePorts, deploy) -> None:
    """Nothing of it waits or drains, also not once it is back."""
    served, waiting = deploy(), deploy()
    store.succeed(served.id)
    store.delete_app(app.id, record_of(app))
    assert store.unfinished() == [] == store.draining()
    store.restore_app(app.id, app.name, choose)
    assert store.deployment(app.id, waiting.number).status is Status.CANCELLED
    assert store.deployment(app.id, served.number).status is Status.SUCCEEDED
    assert store.unfinished() == [] == store.draining()


def test_what_has_expired_is_found_and_forgotten(store: Store, app: App, choose: ChoosePorts) -> None:
    """Only what is over is listed, the oldest first, and the end itself counts as over."""
    later = store.create_app(AppName("shop"), choose, {})
    store.delete_app(app.id, record_of(app))
    store.delete_app(later.id, record_of(later, DELETED + timedelta(hours=1)))
    assert store.expired_trash(DELETED + KEPT - timedelta(microseconds=1)) == []
    assert store.expired_trash(DELETED + KEPT) == [record_of(app)]
    both = store.expired_trash(DELETED + timedelta(days=30))
    assert [record.app_id for record in both] == [app.id, later.id]
    store.forget_app(app.id)
    assert [record.app_id for record in store.trash()] == [later.id]
