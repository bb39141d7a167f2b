"""The agent is killed at every point of a deploy, of its undo, and of a rollback, and is back by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from potions.flows.deploy import deploy, rollback
from potions.flows.step import Flow, PointOfNoReturn
from potions.schema import EventKind, ReleaseState
from support.crashing import APP, Crashing

#: Steps that only a hand-over has, and those that only a release with workers has.
HANDOVER = ("hold", "stop old")
WORKERS = ("workers", "stop workers")


def points(flow: Flow, *moments: str, without: tuple[str, ...] = (*HANDOVER, *WORKERS)) -> list[str]:  # type: ignore[type-arg]
    """The flow's points of these kinds, as the code itself names them."""
    named = ((point, *point.rpartition(":")[::2]) for point in flow.checkpoints())
    return [point for point, step, moment in named if moment in moments and step not in without]


def of_the_handover(flow: Flow, *moments: str) -> list[str]:  # type: ignore[type-arg]
    """The points at which a hand-over differs: from the hold to the last check."""
    names = [step.name for step in flow.steps]
    every = points(flow, *moments, without=WORKERS)
    part = names[names.index("hold") : names.index("confirm") + 1]
    return [point for point in every if point.rpartition(":")[0] in part]


def is_behind_the_switch(flow: Flow, point: str) -> bool:  # type: ignore[type-arg]
    """Whether ``.live`` names the new slot already at that point."""
    name, _, moment = point.rpartition(":")
    names = [step.name for step in (*flow.steps, *flow.after)]
    switch = next(step.name for step in flow.steps if isinstance(step, PointOfNoReturn))
    return names.index(name) > names.index(switch) or (name == switch and moment == "done")


@pytest.mark.parametrize("point", points(deploy(), "began", "done"))
def test_a_deploy_that_was_killed_is_undone_or_goes_on(crashing: Crashing, point: str) -> None:
    """Before the switch the old release serves on and the deploy failed; behind it, the new one does, by itself."""
    before = crashing.platform.version(APP)
    held = crashing.holding()
    crashing.die_at(point)
    deployment = crashing.follow(crashing.deploy(f"killed at {point}"))
    crashing.assert_died()
    if is_behind_the_switch(deploy(), point):
        assert deployment.status == "succeeded"
        crashing.assert_settled(f"killed at {point}")
    else:
        assert deployment.status == "failed"
        assert deployment.failure is not None and deployment.failure.code == "interrupted"
        log = crashing.platform.client.events(APP, deployment.number)
        told = [event.text for event in log if event.kind is EventKind.FAILED]
        assert len(told) == 1
        assert told[0].startswith(deployment.failure.what)
        crashing.assert_settled(before)
        assert crashing.holding() == held, "the release that a rollback needs was lost"


@pytest.mark.parametrize("point", points(deploy(), "undone"))
def test_an_undo_that_was_killed_is_finished(crashing: Crashing, point: str) -> None:
    """A deploy that fails, killed again while it is undone, ends as failed and leaves what was."""
    before = crashing.platform.version(APP)
    held = crashing.holding()
    crashing.die_at(point)
    # Every step has begun once confirm fails, so every undo is on the way.
    crashing.break_confirm()
    try:
        deployment = crashing.follow(crashing.deploy("never"))
    finally:
        crashing.mend_confirm()
    crashing.assert_died()
    assert deployment.status == "failed"
    crashing.assert_settled(before)
    assert crashing.holding() == held


@pytest.mark.parametrize("point", points(rollback(), "began", "done"))
def test_a_rollback_that_was_killed_is_undone_or_goes_on(crashing: Crashing, point: str) -> None:
    """Before the switch what served serves on; behind it, what was gone back to."""
    before = crashing.platform.version(APP)
    held = crashing.holding()
    crashing.die_at(point)
    deployment = crashing.follow(crashing.rollback())
    crashing.assert_died()
    if is_behind_the_switch(rollback(), point):
        assert deployment.status == "succeeded"
        assert crashing.platform.version(APP) != before
    else:
        assert deployment.status == "failed"
        assert crashing.platform.version(APP) == before
    crashing.assert_settled(crashing.platform.version(APP))
    assert crashing.holding() == held


@pytest.mark.parametrize("point", ["unpack:done", "build:began", "switch:done"])
def test_a_rollback_to_an_older_release_that_was_killed_is_undone_or_goes_on(crashing: Crashing, point: str) -> None:
    """It unpacks and builds as a deploy does, so its crash is settled as one: the other slot gets back what it held."""
    before = crashing.platform.version(APP)
    held = crashing.holding()
    older = next(one for one in crashing.platform.client.releases(APP) if one.state is ReleaseState.KEPT)
    crashing.die_at(point)
    deployment = crashing.follow(crashing.rollback(older.release.label))
    crashing.assert_died()
    if is_behind_the_switch(deploy(), point):
        assert (deployment.status, deployment.release) == ("succeeded", older.release)
        assert crashing.platform.version(APP) != before
    else:
        assert deployment.status == "failed"
        assert crashing.platform.version(APP) == before
        assert crashing.holding() == held
    crashing.assert_settled(crashing.platform.version(APP))


# Hand-over: the link names the new slot long before anything is decided


@pytest.mark.contract("B2")
@pytest.mark.parametrize("point", of_the_handover(deploy(), "began", "done"))
def test_a_handover_that_was_killed_is_undone_or_goes_on(handing_over: Crashing, point: str) -> None:
    """Whoever asks meanwhile waits, and is answered by the release that serves in the end."""
    before = handing_over.platform.version(APP)
    held = handing_over.holding()
    handing_over.die_at(point)
    with visitor(handing_over) as seen:
        deployment = handing_over.follow(handing_over.deploy(f"handed over at {point}"))
    handing_over.assert_died()
    if is_behind_the_switch(deploy(), point) or point == "switch:began":
        assert deployment.status == "succeeded"
        handing_over.assert_settled(f"handed over at {point}")
    else:
        assert deployment.status == "failed"
        handing_over.assert_settled(before)
        assert handing_over.holding() == held, "the release that a rollback needs was lost"
    assert {status for status, _ in seen} == {200}, seen


@pytest.mark.parametrize("point", of_the_handover(deploy(), "undone"))
def test_an_undo_of_a_handover_that_was_killed_is_finished(handing_over: Crashing, point: str) -> None:
    """A hand-over that fails, killed again while it is undone, ends with the old release at work."""
    before = handing_over.platform.version(APP)
    handing_over.die_at(point)
    handing_over.break_confirm()
    try:
        with visitor(handing_over) as seen:
            deployment = handing_over.follow(handing_over.deploy("never"))
    finally:
        handing_over.mend_confirm()
    handing_over.assert_died()
    assert deployment.status == "failed"
    handing_over.assert_settled(before)
    assert {status for status, _ in seen} == {200}, seen


# Workers: started once their release serves, and ended with it


@pytest.mark.contract("P18")
@pytest.mark.parametrize("point", ["workers:began", "workers:done", "stop workers:began", "stop workers:done"])
def test_a_deploy_with_workers_that_was_killed_goes_on(working: Crashing, point: str) -> None:
    """It serves already: its workers come up, and the old ones end."""
    working.die_at(point)
    deployment = working.follow(working.deploy(f"killed at {point}"))
    working.assert_died()
    assert deployment.status == "succeeded"
    working.assert_settled(f"killed at {point}")
    slots = {slot.live: [worker.name for worker in slot.workers if worker.pid] for slot in working.slots()}
    assert slots == {True: ["mails"], False: []}


@contextmanager
def visitor(crashing: Crashing) -> Iterator[list[tuple[int, str]]]:
    """Somebody who asks one thing after another; the status and version of each answer."""
    seen: list[tuple[int, str]] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answer = crashing.platform.get(APP)
            seen.append((answer.status_code, answer.headers.get("X-Version", "")))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield seen
    finally:
        over.set()
        asking.join()
