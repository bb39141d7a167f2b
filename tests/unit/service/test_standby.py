"""Standby: its time is watched, and what was asked for since is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

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


@dataclass
class Watched:
    """Standbys whose ends are noted; each of ``failures`` comes before one."""

    standbys: Standbys
    context: Context
    failures: list[Exception] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def start(self) -> None:
        self.standbys.start(self._end)

    def _end(self, deployment: Deployment) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.context.store.end_standby(deployment.app_id)
        self.ended.append(deployment.number)


@pytest.fixture
def watched(context: Context) -> Iterator[Watched]:
    standbys = Standbys(context)
    yield Watched(standbys, context)
    standbys.stop()


def test_a_standby_ends_in_its_time(context: Context, queued: Deployment, watched: Watched) -> None:
    """Also one that begins while nothing is waited for, and one that was begun before the agent started."""
    deployment = _served(context, queued)
    watched.standbys.begin(deployment.id, 0.0)
    watched.start()
    wait_for(lambda: watched.ended == [deployment.number], "the one from before ends")
    watched.standbys.begin(deployment.id, 0.05)
    wait_for(lambda: watched.ended == [deployment.number] * 2, "the next one ends")


def test_a_standby_of_a_busy_app_is_ended_later(context: Context, queued: Deployment, watched: Watched) -> None:
    """A deploy of it runs, or the store cannot be read for a moment: it is tried again."""
    deployment = _served(context, queued)
    watched.failures += [AppBusy("A deploy runs."), StoreFailed("The store is busy.")]
    watched.standbys.begin(deployment.id, 0.0)
    watched.start()
    wait_for(lambda: watched.ended == [deployment.number], "it ends all the same")


def test_one_that_stands_by_for_longer_is_waited_for(context: Context, queued: Deployment, watched: Watched) -> None:
    """Its end is known to everybody until then, and a later success of the app ends it."""
    deployment = _served(context, queued)
    watched.start()
    watched.standbys.begin(deployment.id, 600)
    (kept,) = context.store.standing_by()
    assert kept.standby_until is not None and (kept.standby_until - context.store.app("blog").created).seconds > 500
    later = context.store.create_deployment(deployment.app_id, deployment.kind, deployment.release.id, "ana")
    _served(context, later)
    assert context.store.standing_by() == []
    assert watched.ended == []
