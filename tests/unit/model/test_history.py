"""Which archives are kept, from what became of each release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from potions.model.deployment import Kind, Release, Status
from potions.model.history import DeploymentBrief, ReleaseHistory, to_prune
from potions.names import ReleaseId

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def release(number: int, *served: int, pruned: bool = False, age: int = 60, failed: int = 0) -> ReleaseHistory:
    """One that took the traffic in these turns, and failed so often."""
    deployments = [DeploymentBrief(turn, Kind.DEPLOY, Status.SUCCEEDED, turn) for turn in sorted(served, reverse=True)]
    deployments += [DeploymentBrief(100 + number, Kind.DEPLOY, Status.FAILED, None)] * failed
    received = NOW - timedelta(seconds=age)
    kept = Release(id_of(number), f"r{number}", "tar.gz", 10, "x", received)
    return ReleaseHistory(kept, pruned, deployments)


def id_of(number: int) -> ReleaseId:
    return ReleaseId(f"{number:064x}")


def pruned(history: list[ReleaseHistory], keep: int, *needed: int) -> list[str]:
    return [one.label for one in to_prune(history, keep, {id_of(number) for number in needed}, NOW)]


def test_the_last_to_serve_are_kept() -> None:
    """As many as are asked for, and not more."""
    history = [release(number, number) for number in (5, 4, 3, 2, 1)]
    assert pruned(history, 3) == ["r2", "r1"]
    assert pruned(history, 5) == pruned(history, 10) == []


def test_what_was_gone_back_to_counts_as_new() -> None:
    """A label says when an archive came first; what matters is when it served last."""
    assert pruned([release(3, 3), release(2, 2), release(1, 1, 4)], 2) == ["r2"]


def test_what_is_needed_stays_however_old_it_is() -> None:
    """What serves, what a rollback goes to and what waits are not counted away."""
    history = [release(number, number) for number in (5, 4, 3, 2, 1)]
    assert pruned(history, 1, 1, 3) == ["r4", "r2"]


def test_what_was_pruned_is_not_pruned_again_and_takes_no_place() -> None:
    """It is gone already."""
    assert pruned([release(3, 3, pruned=True), release(2, 2), release(1, 1)], 2) == []


def test_a_failed_one_is_kept_until_a_later_one_serves() -> None:
    """So that it can be tried again without sending it; after that nobody wants it."""
    assert pruned([release(3, failed=1), release(2, failed=2), release(1, 1)], 1) == []
    assert pruned([release(4, 2), release(3, failed=1), release(2, failed=2), release(1, 1)], 10) == ["r3", "r2"]


def test_a_failed_one_does_not_push_out_one_that_served() -> None:
    """Only those that served are counted."""
    assert pruned([release(9, 2), *(release(number, failed=1) for number in range(8, 1, -1)), release(1, 1)], 2) == [
        f"r{number}" for number in range(8, 1, -1)
    ]


def test_what_came_meanwhile_stays() -> None:
    """An old release that was sent again is about to be deployed, although it is not in the queue yet."""
    assert pruned([release(3, 3), release(2, 2), release(1, 1, age=-1)], 1) == ["r2"]


def test_while_nothing_served_everything_stays() -> None:
    """The first deploys of an app may all fail."""
    assert pruned([release(2, failed=1), release(1, failed=1)], 1) == []
    assert pruned([], 1) == []
