"""What must hold of releases in the store."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec
import pytest

from potions.errors import AppUnknown, ReleaseUnknown
from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Deployment, Failure, Kind, Status
from potions.names import AppName, ReleaseId
from potions.store.records import ChoosePorts, TrashRecord
from potions.store.store import Store

A, B, C = (ReleaseId(digit * 64) for digit in "abc")


def test_labels_count_up_per_app(store: Store, app: App, choose: ChoosePorts) -> None:
    """Every app begins at r1, and its newest release is listed first."""
    other = store.create_app(AppName("blog2"), choose, {})
    assert store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz").label == "r1"
    assert store.add_release(app.id, B, "tar.zst", 20, "two").label == "r2"
    assert store.add_release(other.id, B, "tar.zst", 20, "two").label == "r1"
    assert [release.label for release in store.releases(app.id)] == ["r2", "r1"]


def test_a_release_is_kept_as_it_came(store: Store, app: App) -> None:
    """Everything about it comes back."""
    added = store.add_release(app.id, A, "tar.zst", 5_000_000_000, "my release")
    assert (added.id, added.suffix, added.packed_bytes, added.source) == (A, "tar.zst", 5_000_000_000, "my release")
    assert added.received.tzinfo is not None
    assert store.release(app.id, A) == added


def test_the_same_archive_again_is_the_same_release(store: Store, app: App) -> None:
    """It keeps its label and makes no second row."""
    first = store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz")
    store.add_release(app.id, B, "tar.gz", 20, "two.tar.gz")
    again = store.add_release(app.id, A, "tar.gz", 10, "renamed.tar.gz")
    assert again.received >= first.received
    assert msgspec.structs.replace(again, received=first.received) == first
    assert len(store.releases(app.id)) == 2


def test_a_pruned_release_is_not_kept(store: Store, app: App) -> None:
    """It is neither listed nor found, and its label is not given to another."""
    store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz")
    store.prune_release(app.id, A)
    store.prune_release(app.id, A)
    assert store.releases(app.id) == []
    with pytest.raises(ReleaseUnknown):
        store.release(app.id, A)
    assert store.add_release(app.id, B, "tar.gz", 20, "two.tar.gz").label == "r2"


def test_a_pruned_release_that_is_sent_again_is_kept_again(store: Store, app: App) -> None:
    """It has its old label, and says how it was sent this time."""
    store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz")
    store.add_release(app.id, B, "tar.gz", 10, "two.tar.gz")
    store.prune_release(app.id, A)
    again = store.add_release(app.id, A, "tar.gz", 10, "again.tar.gz")
    assert (again.label, again.source) == ("r1", "again.tar.gz")
    assert store.release(app.id, A) == again


def test_an_unknown_release_is_told(store: Store, app: App, choose: ChoosePorts) -> None:
    """Another app's release is unknown too."""
    other = store.create_app(AppName("blog2"), choose, {})
    store.add_release(other.id, A, "tar.gz", 10, "one.tar.gz")
    with pytest.raises(ReleaseUnknown):
        store.release(app.id, A)
    with pytest.raises(ReleaseUnknown):
        store.prune_release(app.id, A)
    assert store.release(other.id, A).label == "r1"


def test_a_source_that_is_not_utf8_is_kept_readable(store: Store, app: App) -> None:
    """A file name may hold any byte; the release is taken all the same."""
    assert store.add_release(app.id, C, "tar.gz", 10, os.fsdecode(b"caf\xe9.tar.gz")).source == "caf?.tar.gz"


def test_a_deleted_app_takes_no_release(store: Store, app: App) -> None:
    """An upload that outlived its app leaves nothing behind."""
    store.delete_app(app.id, TrashRecord(app.id, app.name, "blog-1", app.created, app.created, 0, 0))
    with pytest.raises(AppUnknown):
        store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz")


def test_what_a_release_holds_is_known_once_it_was_unpacked(store: Store, app: App) -> None:
    """It stays known when the archive is pruned and sent again, and what is told of an unknown one is nothing."""
    assert store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz").files is None
    store.set_contents(app.id, A, 1205, 18_000_000)
    store.set_contents(app.id, B, 1, 1)
    store.prune_release(app.id, A)
    again = store.add_release(app.id, A, "tar.gz", 10, "one.tar.gz")
    assert (again.files, again.unpacked_bytes) == (1205, 18_000_000)
    assert store.create_deployment(app.id, Kind.DEPLOY, A, "ana").release == again


def test_the_history_of_releases_has_everything(
    store: Store, app: App, choose: ChoosePorts, deploy: Callable[..., Deployment]
) -> None:
    """Every label, pruned or not, the newest first; with each its deployments, in which order they served, and how."""
    other = store.create_app(AppName("blog2"), choose, {})
    store.add_release(other.id, C, "tar.gz", 10, "three.tar.gz")
    store.create_deployment(other.id, Kind.DEPLOY, C, "ana")
    store.add_release(app.id, B, "tar.gz", 20, "two.tar.gz")
    store.add_release(app.id, C, "tar.gz", 30, "three.tar.gz")
    first, second, failed, back = deploy(), deploy(release_id=B), deploy(release_id=B), deploy(Kind.ROLLBACK)
    store.succeed(first.id)
    store.succeed(second.id)
    store.fail(failed.id, Failure("app-exited", "It ended."))
    store.begin(back.id, Colour.BLUE, second.number, {}, [])
    store.succeed(back.id)
    store.prune_release(app.id, B)
    three, two, one = store.release_history(app.id)
    assert [(entry.release.label, entry.pruned) for entry in (three, two, one)] == [
        ("r3", False),
        ("r2", True),
        ("r1", False),
    ]
    assert three.deployments == []
    assert three.served_last is None
    assert [(each.number, each.status, each.served) for each in two.deployments] == [
        (3, Status.FAILED, None),
        (2, Status.ROLLED_BACK, 2),
    ]
    assert [(each.number, each.kind, each.served) for each in one.deployments] == [
        (4, Kind.ROLLBACK, 3),
        (1, Kind.DEPLOY, 1),
    ]
    assert one.served_last == one.deployments[0]
    assert two.served_last == two.deployments[1]
