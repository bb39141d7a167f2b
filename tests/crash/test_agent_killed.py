"""The agent is killed at every point of a deploy, of its undo, and of a rollback, and is back by itself."""

from __future__ import annotations

import pytest

from potions.flows.deploy import deploy, rollback
from potions.flows.step import Flow, PointOfNoReturn
from support.crashing import APP, Crashing


def points(flow: Flow, *moments: str) -> list[str]:  # type: ignore[type-arg]
    """The flow's points of these kinds, as the code itself names them."""
    return [point for point in flow.checkpoints() if point.rpartition(":")[2] in moments]


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
    deployment = crashing.follow(crashing.platform.client.rollback(APP).number)
    crashing.assert_died()
    if is_behind_the_switch(rollback(), point):
        assert deployment.status == "succeeded"
        assert crashing.platform.version(APP) != before
    else:
        assert deployment.status == "failed"
        assert crashing.platform.version(APP) == before
    crashing.assert_settled(crashing.platform.version(APP))
    assert crashing.holding() == held
