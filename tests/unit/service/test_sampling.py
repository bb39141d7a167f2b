"""Storages are measured in the background: each in its turn, never in a hurry, and what people measure counts."""

from __future__ import annotations

import os
import time

import pytest

from potions.layout import AppTree
from potions.model.app import App
from potions.model.stored import Use
from potions.service import Service
from potions.service.context import Context
from potions.service.sampling import StorageSampler
from support.bare_home import app_account


@pytest.fixture
def sampler(context: Context) -> StorageSampler:
    return StorageSampler(context)


def fill(tree: AppTree, name: str, data: bytes) -> None:
    (tree.storage / name).write_bytes(data)
    os.chown(tree.storage / name, app_account().uid, app_account().gid)


def sizes(sampler: StorageSampler, app: App) -> list[int]:
    return [one.bytes for one in sampler.history(app.name, 30)]


def test_each_app_is_measured_once_in_its_turn(sampler: StorageSampler, app: App, tree: AppTree) -> None:
    """At once at first, and not again before its time."""
    fill(tree, "a", b"12345")
    sampler.sample_due()
    fill(tree, "b", b"12345")
    sampler.sample_due()
    assert sizes(sampler, app) == [5]
    assert sampler.last(app) == sampler.history(app.name, 1)[-1]


def test_what_was_asked_for_is_measured_as_soon_as_that_is_allowed(
    sampler: StorageSampler, app: App, tree: AppTree
) -> None:
    """After a deploy, but not before a hundred times what the last measurement took."""
    sampler.remember(app.id, Use("", 1, 1, 1, 0, None, [], seconds=0.0))
    fill(tree, "a", b"12345")
    sampler.sample_due()
    sampler.ask(app.id)
    sampler.sample_due()
    assert sampler.history(app.name, 30)[-1].bytes == 5
    sampler.remember(app.id, Use("", 7, 1, 1, 0, None, [], seconds=11.0))
    sampler.ask(app.id)
    sampler.sample_due()
    assert sampler.history(app.name, 30)[-1].bytes == 7
    assert 1090 < sampler._due[app.id] - time.monotonic() <= 1100


def test_an_agent_that_is_started_again_remembers_how_long_it_took(context: Context, app: App, tree: AppTree) -> None:
    """A storage of a million files is not counted at every start."""
    slow = StorageSampler(context)
    slow._keep(app.id, 7, 1, 30.0)
    again = StorageSampler(context)
    again._rest_as_before()
    again.sample_due()
    assert sizes(again, app) == [7]
    assert 2990 < again._due[app.id] - time.monotonic() <= 3000


def test_it_measures_in_the_background(context: Context, app: App, tree: AppTree) -> None:
    """From its start on, and again when somebody asks, also for an app that came meanwhile."""
    sampler = StorageSampler(context)
    sampler.start()
    deadline = time.monotonic() + 20
    while sampler.last(app) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sampler.last(app) is not None
    fill(tree, "a", b"12345")
    with sampler._changed:
        sampler._earliest.clear()
    sampler.ask(app.id)
    while time.monotonic() < deadline:
        last = sampler.last(app)
        if last is not None and last.bytes == 5:
            return
        time.sleep(0.01)
    pytest.fail("it was not measured again")


def test_an_app_that_is_gone_keeps_nobody_from_being_measured(
    sampler: StorageSampler, service: Service, app: App, tree: AppTree
) -> None:
    """It is left alone until its next turn."""
    tree.storage.rename(tree.root / "moved")
    sampler.sample_due()
    assert sampler.history(app.name, 30) == []
    assert sampler._due[app.id] > time.monotonic() + 3000
    (tree.root / "moved").rename(tree.storage)


def test_what_a_person_measures_is_remembered(service: Service, app: App, tree: AppTree) -> None:
    """All of the storage, that is; a folder of it says nothing about it."""
    fill(tree, "a", b"12345")
    for path in ("", "folder"):
        if path:
            service.storage.make_folder(app.name, path)
        measuring = service.storage.measure(app.name, path, 0, 0)
        while not measuring.is_over():
            time.sleep(0.01)
    assert [one.bytes for one in service.storage.history(app.name, 7)] == [5]


def test_a_measurement_is_told_where_it_cannot_be_kept(
    sampler: StorageSampler, app: App, tree: AppTree, context: Context
) -> None:
    """Whoever looks for what fills the disk gets an answer; here the app's row is gone."""
    fill(tree, "a", b"12345")
    nobody = App(app.id + 1000, app.name, app.ports, app.created, app.stopped)
    found = sampler.measure(nobody)
    assert (found.bytes, found.files) == (5, 1)
    assert sizes(sampler, app) == []


def test_a_storage_that_its_app_may_not_enter_is_not_remembered_as_empty(
    sampler: StorageSampler, app: App, tree: AppTree
) -> None:
    """Neither where a person asks nor in the background: its use over time has no hole."""
    fill(tree, "a", b"12345")
    assert sampler.measure(app).bytes == 5
    tree.storage.chmod(0)
    try:
        assert sampler.measure(app).bytes == 0
        sampler._due.clear()
        sampler.sample_due()
    finally:
        tree.storage.chmod(0o750)
    assert sizes(sampler, app) == [5]
