"""Hand-over: hold, stop, start, and all the way back."""

from __future__ import annotations

import errno
from datetime import UTC, datetime

import pytest

from potions.flows import handover, holding
from potions.flows.run import SlotRun
from potions.layout import Colour
from potions.model.app import App
from potions.model.plan import Strategy
from potions.model.service import Phase, ServiceState
from potions.names import AppName
from support.scripted_world import PORTS, RUNNING, Script

HANDOVER = '[deploy]\nstrategy = "handover"\n'


def test_requests_wait_before_the_link_names_the_new_slot() -> None:
    """In the other order a visitor would find a slot in which nothing runs."""
    script = Script(manifest=HANDOVER)
    holding.hold_requests(script.run())
    assert script.remembered.told == ["calm for blog", "hold blue", "point blue after a sync"]


def test_those_who_wait_are_sent_to_the_old_slot() -> None:
    """And the link names it again; whoever is on the way to the new slot's gate still finds it."""
    script = Script(manifest=HANDOVER)
    holding.send_requests_back(script.run())
    assert script.remembered.told == ["let go blue 4001", "point green at once", "calm no more for blog"]


def test_those_who_wait_for_nobody_are_told_by_the_proxy() -> None:
    """The old slot did not come back: at the proxy's own port they hear it, and wait no longer."""
    script = Script(manifest=HANDOVER, free={4001})
    holding.send_requests_back(script.run())
    assert script.remembered.told[0] == "let go blue 8080"


def test_a_gate_that_cannot_be_changed_does_not_keep_the_link() -> None:
    """Whoever comes from now on is served by the old slot, whatever happens to those who wait."""
    script = Script(manifest=HANDOVER)
    run = script.run()
    run.world.trees.let_requests_go = _refuse  # type: ignore[method-assign]
    with pytest.raises(OSError, match="No space"):
        holding.send_requests_back(run)
    assert script.remembered.told == ["point green at once", "calm no more for blog"]


def _refuse(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_old_slot_ends_when_it_has_nothing_in_flight() -> None:
    """In the time its manifest gives it."""
    script = Script(manifest=HANDOVER + 'stop_timeout = "9s"\n', in_flight=[2, 0, 0])
    handover.stop_old_slot(script.run(serving_strategy=Strategy.HANDOVER))
    assert script.remembered.told == ["stop blog.green 9 in its time", "end green 9"]


def test_visitors_do_not_wait_long_for_a_websocket() -> None:
    """Without a word of its own a hand-over drains for 5 s, whatever the overlap's default is."""
    assert Script(manifest=HANDOVER).run().hold_drain == 5
    assert Script(manifest=HANDOVER + 'drain = "1s"\n').run().hold_drain == 1
    assert Script().run(serving_strategy=Strategy.HANDOVER).hold_drain == 5


def _old(script: Script, *, stopped: bool = False) -> SlotRun:
    app = App(1, AppName("blog"), PORTS, datetime(2026, 1, 1, tzinfo=UTC), stopped=stopped)
    return script.run(slot=Colour.BLUE, app=app)


def test_the_old_slot_is_started_again_and_waited_for() -> None:
    """With its workers, and only then are visitors sent to it."""
    states = [ServiceState(Phase.STOPPED), RUNNING]
    script = Script(procfile="web: serve\nmails: send\n", states=states, holder="", free={4000})
    old = _old(script)
    old.world.trees.begin_sync = lambda _tree: None  # type: ignore[method-assign]
    handover.start_old_slot(script.run(serving=lambda: old))
    told = script.remembered.told
    assert told.index("start blog.blue") < told.index("get /") < told.index("start blog.blue.worker.mails")


def test_an_app_that_was_stopped_stays_so() -> None:
    """A deploy that fails leaves it as it was."""
    script = Script()
    handover.start_old_slot(script.run(serving=lambda: _old(script, stopped=True)))
    handover.start_old_slot(script.run(serving=lambda: None))
    assert script.remembered.told == []
