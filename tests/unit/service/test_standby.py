"""Standby: its time is watched, and what was asked for since is left alone."""

from __future__ import annotations

from collections.abc import Callable

from potions.errors import AppBusy, StoreFailed
from potions.layout import Colour
from potions.model.deployment import Deployment
from potions.service.context import Context
from potions.service.standby import Standbys
from support.platform import wait_for


def _served(context: Context, queued: Deployment) -> Deployment:
    context.store.begin(queued.id, Colour.BLUE, None, {}, set())
    context.store.succeed(queued.id)
    return queued


def _watch(context: Context, failures: list[Exception]) -> tuple[Standbys, list[int], Callable[[Deployment], None]]:
    """Standbys whose end is noted; each of the failures comes first."""
    ended: list[int] = []

    def end(deployment: Deployment) -> None:
        if failures:
            raise failures.pop(0)
        context.store.end_standby(deployment.app_id)
        ended.append(deployment.number)

    return Standbys(context), ended, end


def test_a_standby_ends_in_its_time(context: Context, queued: Deployment) -> None:
    """Also one that begins while nothing is waited for, and one that was begun before the agent started."""
    deployment = _served(context, queued)
    standbys, ended, end = _watch(context, [])
    standbys.begin(deployment.id, 0.0)
    standbys.start(end)
    wait_for(lambda: ended == [deployment.number], "the one from before ends")
    standbys.begin(deployment.id, 0.05)
    wait_for(lambda: ended == [deployment.number] * 2, "the next one ends")


def test_a_standby_of_a_busy_app_is_ended_later(context: Context, queued: Deployment) -> None:
    """A deploy of it runs, or the store cannot be read for a moment: it is tried again."""
    deployment = _served(context, queued)
    standbys, ended, end = _watch(context, [AppBusy("A deploy runs."), StoreFailed("The store is busy.")])
    standbys.begin(deployment.id, 0.0)
    standbys.start(end)
    wait_for(lambda: ended == [deployment.number], "it ends all the same")


def test_one_that_stands_by_for_longer_is_waited_for(context: Context, queued: Deployment) -> None:
    """Its end is known to everybody until then, and a later success of the app ends it."""
    deployment = _served(context, queued)
    standbys, ended, end = _watch(context, [])
    standbys.start(end)
    standbys.begin(deployment.id, 600)
    (kept,) = context.store.standing_by()
    assert kept.standby_until is not None and (kept.standby_until - context.store.app("blog").created).seconds > 500
    later = context.store.create_deployment(deployment.app_id, deployment.kind, deployment.release.id, "ana")
    _served(context, later)
    assert context.store.standing_by() == []
    assert ended == []
