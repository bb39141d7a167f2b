"""Judging what runs: two slots, workers, strays."""

from __future__ import annotations

from typing import Any

import pytest

from potions.layout import Colour
from potions.model.doctor.processes import (
    AppSeen,
    SlotSeen,
    WorkerSeen,
    judge_exits,
    judge_processes,
    judge_strays,
)
from potions.model.service import Phase

HERE = (("127.0.0.1", 4000),)
LIVE = SlotSeen(Colour.BLUE, 4000, Phase.RUNNING, 100.0, frozenset({10}), HERE)
IDLE = SlotSeen(Colour.GREEN, 4001, Phase.STOPPED)


def live(**more: Any) -> SlotSeen:
    fields = {name: getattr(LIVE, name) for name in SlotSeen.__struct_fields__}
    return SlotSeen(**(fields | more))


def app(**more: Any) -> AppSeen:
    fields: dict[str, Any] = {"serves": True, "stopped": False, "keeps_idle": False, "live": LIVE, "idle": IDLE}
    return AppSeen("blog", **(fields | more))


def codes(seen: AppSeen) -> list[str]:
    return [found.code for found in judge_processes(seen)]


def test_a_healthy_app() -> None:
    """The live slot runs and listens where the proxy asks, on one address or on all; nothing runs beside it."""
    assert codes(app()) == []
    assert codes(app(workers=(WorkerSeen("mail", Phase.RUNNING),))) == []
    assert codes(app(live=live(listening=(("::ffff:127.0.0.1", 4000), ("127.0.0.1", 9999))))) == []


def test_an_app_with_nothing_deployed() -> None:
    """Nothing runs, and nothing should."""
    assert codes(app(serves=False, live=live(phase=Phase.ABSENT, pids=frozenset(), listening=()))) == []


@pytest.mark.parametrize(
    ("more", "expected", "mended"),
    [
        ({"phase": Phase.EXITED}, "live-down", True),
        ({"phase": Phase.ABSENT}, "live-down", True),
        ({"phase": Phase.STOPPED}, "live-down", True),
        ({"phase": Phase.CRASHING}, "live-crashing", False),
        ({"listening": (), "up_for": 3.0}, "live-starting", False),
        ({"listening": ()}, "live-not-listening", False),
        ({"listening": (("127.0.0.1", 3000),)}, "live-not-listening", False),
        ({"listening": (("::1", 4000),)}, "live-not-listening", False),
        ({"listening": (("10.0.0.1", 4000),)}, "live-not-listening", False),
        ({"listening": (("0.0.0.0", 4000),)}, "listens-everywhere", False),
    ],
)
def test_a_live_slot_that_does_not_serve(more: dict[str, Any], expected: str, mended: bool) -> None:
    """Down, ending again and again, starting, listening elsewhere: each is told apart; what is down is started."""
    (found,) = judge_processes(app(live=live(**more)))
    assert (found.code, bool(found.fix)) == (expected, mended)


def test_where_it_listens_instead_is_told() -> None:
    """An app that forgot $PORT is found by where it does listen."""
    (found,) = judge_processes(app(live=live(listening=(("127.0.0.1", 3000),))))
    assert "127.0.0.1:3000" in found.why


def test_something_in_the_idle_slot() -> None:
    """Two copies on one storage, unless the old one drains or stands by."""
    busy = SlotSeen(Colour.GREEN, 4001, Phase.STOPPED, pids=frozenset({11, 12}))
    (found,) = judge_processes(app(idle=busy))
    assert (found.code, found.place) == ("idle-runs", "green")
    assert "2 processes run in it" in found.what
    assert codes(app(idle=busy, keeps_idle=True)) == []


def test_something_of_a_stopped_app() -> None:
    """Whatever of either slot runs; that its live slot is down is what was asked for."""
    assert codes(app(stopped=True)) == ["stopped-runs"]
    assert codes(app(stopped=True, live=live(pids=frozenset(), phase=Phase.STOPPED, listening=()))) == []


@pytest.mark.parametrize(
    ("phase", "optional", "expected", "mended"),
    [
        (Phase.EXITED, False, "worker-down", True),
        (Phase.STOPPED, False, "worker-down", True),
        (Phase.ABSENT, False, "worker-down", False),
        (Phase.CRASHING, False, "worker-crashing", False),
        (Phase.EXITED, True, "optional-worker-down", False),
    ],
)
def test_a_worker_that_does_not_run(phase: Phase, optional: bool, expected: str, mended: bool) -> None:
    """One that was given up is started again; one that may be down is only told of."""
    (found,) = judge_processes(app(workers=(WorkerSeen("mail", phase, optional),)))
    assert (found.code, found.place, bool(found.fix)) == (expected, "mail", mended)


def test_what_ends_again_and_again_though_it_runs() -> None:
    """Three times within minutes are no accident; twice may be."""
    found = judge_exits({"blog.blue": 3, "blog.green": 2}, 10, "potions logs {}".format, app="blog")
    assert [(one.place, one.do) for one in found] == [("blog.blue", "See why: potions logs blog.blue")]


def test_what_runs_from_a_directory_of_no_app() -> None:
    """It is named by the directory, with how much runs."""
    (found,) = judge_strays([("/h/apps/old", frozenset({7}))])
    assert (found.code, found.place, found.fix) == ("stray-processes", "/h/apps/old", "ends them")
    assert found.what.startswith("Process 7 runs from /h/apps/old")
