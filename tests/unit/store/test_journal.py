"""What must hold of the journal of steps in the store."""

from __future__ import annotations

import pytest

from potions.errors import InternalError
from potions.store.store import Store


def shape(store: Store, deployment_id: int) -> list[tuple[str, bool, bool]]:
    steps = store.steps(deployment_id)
    return [(step.name, step.ended is not None, step.undone is not None) for step in steps]


def test_the_journal_is_in_order(store: Store, deploy) -> None:
    """Where it stops is where the platform stopped."""
    made = deploy()
    assert store.steps(made.id) == []
    store.step_began(made.id, "receive")
    store.step_ended(made.id, "receive")
    store.step_began(made.id, "unpack")
    assert shape(store, made.id) == [("receive", True, False), ("unpack", False, False)]
    received = store.steps(made.id)[0]
    assert received.ended is not None
    assert received.began <= received.ended


def test_one_step_ends_as_the_next_begins(store: Store, deploy) -> None:
    """One call does both."""
    made = deploy()
    store.step_began(made.id, "unpack")
    store.step_ended_and_began(made.id, "unpack", "link storage")
    assert shape(store, made.id) == [("unpack", True, False), ("link storage", False, False)]


def test_a_step_can_be_undone_whether_it_ended_or_not(store: Store, deploy) -> None:
    """Undone is said of each on its own."""
    made = deploy()
    store.step_began(made.id, "unpack")
    store.step_ended_and_began(made.id, "unpack", "start")
    store.step_undone(made.id, "start")
    assert shape(store, made.id) == [("unpack", True, False), ("start", False, True)]
    store.step_undone(made.id, "unpack")
    assert shape(store, made.id) == [("unpack", True, True), ("start", False, True)]


def test_the_first_word_counts(store: Store, deploy) -> None:
    """Recovery may say again that a step ended or was undone; the journal keeps when it was so first."""
    made = deploy()
    store.step_began(made.id, "unpack")
    store.step_ended(made.id, "unpack")
    store.step_undone(made.id, "unpack")
    before = store.steps(made.id)
    store.step_ended(made.id, "unpack")
    store.step_undone(made.id, "unpack")
    assert store.steps(made.id) == before


def test_a_step_that_did_not_begin_neither_ends_nor_is_undone(store: Store, deploy) -> None:
    """A step that was left out leaves no line."""
    made = deploy()
    store.step_ended(made.id, "migrate")
    store.step_undone(made.id, "migrate")
    store.step_ended_and_began(made.id, "migrate", "start")
    assert shape(store, made.id) == [("start", False, False)]


def test_a_step_that_begins_again_has_a_line_of_its_own(store: Store, deploy) -> None:
    """After a crash the later one is meant."""
    made = deploy()
    store.step_began(made.id, "switch")
    store.step_began(made.id, "switch")
    store.step_ended(made.id, "switch")
    assert shape(store, made.id) == [("switch", False, False), ("switch", True, False)]


def test_deployments_have_journals_of_their_own(store: Store, deploy) -> None:
    """A step of one is no step of another."""
    first, second = deploy(), deploy()
    store.step_began(first.id, "unpack")
    store.step_began(second.id, "unpack")
    store.step_ended(second.id, "unpack")
    assert shape(store, first.id) == [("unpack", False, False)]


def test_a_journal_needs_a_deployment(store: Store) -> None:
    """Nothing is written for one that is not there."""
    with pytest.raises(InternalError):
        store.step_began(999, "unpack")


def test_a_step_may_follow_the_end(store: Store, deploy) -> None:
    """Draining and retiring come after the success, and undoing after a failure."""
    made = deploy()
    store.succeed(made.id)
    store.step_began(made.id, "drain")
    assert shape(store, made.id) == [("drain", False, False)]
