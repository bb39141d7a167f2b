"""Traffic: seen to arrive, the other slot's last requests waited for, the other slot retired."""

from __future__ import annotations

import time

import pytest

from potions.errors import AppExited, ConfirmFailed, StillRunning
from potions.flows.ports import Answer
from potions.flows.slots import end_slot
from potions.flows.switch import (
    check_through_the_proxy,
    drain_other_slot,
    point_traffic_at_slot,
    point_traffic_back,
    retire_other_slot,
)
from potions.layout import Colour
from potions.model.plan import Strategy
from potions.model.service import Phase, ServiceState
from support.remembering import RELEASE
from support.scripted_world import RUNNING, Script

BLUE = Answer(200, "blue")
PARKED = "discard parked blue"


def test_confirm_waits_for_an_answer_of_the_new_slot() -> None:
    """One that gave none, and one of the other slot, are forgiven for a moment."""
    check_through_the_proxy(Script(asked=[None, Answer(200, "green"), Answer(503, ""), BLUE]).run())


def test_confirm_counts_whatever_the_new_slot_answers() -> None:
    """Whether it is healthy was seen before."""
    check_through_the_proxy(Script(asked=[Answer(500, "blue")]).run())


@pytest.mark.parametrize(
    ("answer", "seen"),
    [(None, "no answer"), (Answer(200, "green"), "200 from green"), (Answer(404, ""), "404 from no slot")],
)
def test_a_switch_that_does_not_arrive_is_told(answer: Answer | None, seen: str) -> None:
    """With what was seen last."""
    script = Script(asked=[answer], output={"web": b"nothing to see\n"})
    with pytest.raises(ConfirmFailed) as failed:
        check_through_the_proxy(script.run())
    assert seen in failed.value.why
    assert script.lines == ["nothing to see"]


def test_a_release_that_ended_since_is_not_waited_for() -> None:
    """Visitors are sent there already."""
    script = Script(asked=[Answer(503, "")], states=[RUNNING, RUNNING, ServiceState(Phase.EXITED, exit_status=1)])
    began = time.monotonic()
    with pytest.raises(AppExited):
        check_through_the_proxy(script.run())
    assert time.monotonic() - began < 1


def test_a_drain_ends_when_nothing_is_open() -> None:
    """Not before, and without a word. One look is not enough: a request is counted a moment after its choice."""
    script = Script(in_flight=[3, 0, 1, 0, 0, 9])
    drain_other_slot(script.run())
    assert script.notes == []


def test_a_drain_ends_after_its_time_with_a_word() -> None:
    """What is still open is counted for the log."""
    script = Script(manifest='[deploy]\ndrain = "100ms"\n', in_flight=[2])
    began = time.monotonic()
    drain_other_slot(script.run())
    assert 0.1 <= time.monotonic() - began < 5
    assert script.notes == ["2 requests or WebSockets still open after 0.1 s; they end now"]


def test_a_drain_ends_at_once_when_somebody_waits() -> None:
    """Without waiting for its time."""
    hurried = iter([False, True])
    drain_other_slot(Script(in_flight=[2]).run(hurried=lambda: next(hurried)))


def test_the_other_slot_is_retired_in_its_own_time() -> None:
    """Its stop timeout is that of its manifest; then what was parked goes, and the archives nobody needs."""
    script = Script(manifest='[deploy]\nstop_timeout = "7s"\n')
    retire_other_slot(script.run(releases_to_prune=lambda _keep: [RELEASE]))
    assert script.remembered.told == [
        "stop blog.green 7 in its time",
        "end green 7",
        "discard parked blue",
        "prune r3",
        "forget r3",
    ]


def test_a_slot_that_may_stand_by_is_left_running() -> None:
    """For as long as the new release's manifest says; not one that does not run, as before a first deploy."""
    script, asked = Script(manifest='[deploy]\nstandby = "10m"\n'), []
    retire_other_slot(script.run(begin_standby=asked.append))
    assert asked == [600.0]
    assert script.remembered.told == ["log note green stands by for 600 s: a rollback to it takes a moment", PARKED]
    stopped = Script(manifest='[deploy]\nstandby = "10m"\n', states=[ServiceState(Phase.ABSENT)])
    retire_other_slot(stopped.run(begin_standby=asked.append))
    assert asked == [600.0]


def test_a_switch_is_one_rename_after_a_sync() -> None:
    """What ran for a while already is on the disk."""
    script = Script()
    point_traffic_at_slot(script.run())
    point_traffic_at_slot(script.run(is_warm=True))
    point_traffic_back(script.run())
    assert script.remembered.told == ["point blue after a sync", "point blue at once", "point green after a sync"]


@pytest.mark.parametrize(
    ("manifest", "before"),
    [
        ('[deploy]\nstrategy = "handover"\n', Strategy.OVERLAP),
        ("", Strategy.HANDOVER),
        ('[deploy]\nstrategy = "handover"\n', Strategy.HANDOVER),
    ],
)
def test_in_a_handover_a_switch_lets_those_go_who_wait(manifest: str, before: Strategy) -> None:
    """The link names the slot already; whichever of the two releases asked for it. Going back means to wait again."""
    script = Script(manifest=manifest)
    point_traffic_at_slot(script.run(serving_strategy=before))
    point_traffic_back(script.run(serving_strategy=before))
    assert script.remembered.told == [
        "let go blue 4000",
        "end hold blue",
        "calm no more for blog",
        "calm for blog",
        "hold blue",
    ]


def test_a_first_deploy_hands_nothing_over() -> None:
    """Nothing serves, so nothing has to stop; the site is ready for the next one all the same."""
    run = Script(manifest='[deploy]\nstrategy = "handover"\n').run()
    assert (run.is_handover, run.needs_gate) == (False, True)


def test_a_slot_that_a_rollback_wants_is_left_running() -> None:
    """The log says so; the rest is tidied up all the same."""
    script = Script()
    retire_other_slot(script.run(other_is_wanted=lambda: True, hurried=lambda: True))
    assert not [said for said in script.remembered.told if said.startswith(("stop", "end"))]
    assert "green keeps running" in script.notes[0]
    assert "discard parked blue" in script.remembered.told


def test_how_many_releases_are_kept_is_what_the_manifest_says() -> None:
    """The new one's."""
    asked: list[int] = []

    def prunable(keep: int) -> list[object]:
        asked.append(keep)
        return []

    retire_other_slot(Script(manifest="[deploy]\nkeep = 4\n").run(releases_to_prune=prunable))
    assert asked == [4]


def test_processes_that_no_signal_ends_are_named() -> None:
    """They hold the port, and perhaps files."""
    script = Script(unending={41, 40})
    with pytest.raises(StillRunning, match="blue") as failed:
        end_slot(script.run(), Colour.BLUE, grace=1.0)
    assert "40, 41" in failed.value.why


def test_whoever_waits_does_not_wait_for_a_slow_end() -> None:
    """The stop is told to be short."""
    script = Script()
    end_slot(script.run(hurried=lambda: True), Colour.GREEN, grace=30.0)
    assert script.remembered.told[0] == "stop blog.green 30 at once"
