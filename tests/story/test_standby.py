"""Standby: the old slot runs on for a while, and going back to it is one rename."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from potions.layout import Colour
from potions.schema import EventKind
from support.platform import Platform, wait_for

LONG = '[deploy]\nstandby = "10m"\ndrain = "1s"\n'
SHORT = '[deploy]\nstandby = "500ms"\ndrain = "1s"\n'


def pids(potions: Platform) -> dict[Colour, int]:
    return {slot.colour: slot.pid for slot in potions.client.app("blog").slots}


def settled(potions: Platform) -> None:
    """Wait until the last deploy has tidied up behind itself."""
    wait_for(lambda: not potions.client.deployments("blog", 1)[0].draining, "the drain is over")


def deploy(potions: Platform, release: Path) -> None:
    potions.do("deploy", str(release), "--app", "blog")
    settled(potions)


@pytest.mark.contract("B3")
def test_a_rollback_to_what_stands_by_starts_nothing(potions: Platform, release: Callable[..., Path]) -> None:
    """The same process answers the very next request; the one that was replaced stands by in turn."""
    potions.do("apps", "create", "blog")
    deploy(potions, release("1", manifest=LONG))
    assert pids(potions)[potions.live("blog").other] == 0, "nothing stands by before there was anything"
    deploy(potions, release("2", manifest=LONG))
    before = pids(potions)
    assert all(before.values())
    shown = potions.do("apps", "show", "blog").out
    assert "standby, " in shown and " left" in shown
    for version in ("1", "2", "1"):
        potions.do("rollback", "blog")
        assert potions.version("blog") == version
        settled(potions)
    assert pids(potions) == before
    events = list(potions.client.events("blog", 5))
    steps = [event.step for event in events if event.kind is EventKind.BEGAN]
    assert steps[:3] == ["claim", "switch", "confirm"]


def test_a_standby_ends_by_itself_with_a_deploy_and_with_the_app(
    potions: Platform, release: Callable[..., Path]
) -> None:
    """In its time; when its slot is needed; when the app is stopped. A rollback afterwards starts it again."""
    potions.do("apps", "create", "blog")
    deploy(potions, release("1", manifest=SHORT))
    deploy(potions, release("2", manifest=SHORT))
    idle = potions.live("blog").other
    wait_for(lambda: pids(potions)[idle] == 0, "the time of the standby is over")
    potions.do("rollback", "blog")
    assert potions.version("blog") == "1"
    settled(potions)
    deploy(potions, release("3", manifest=LONG))
    standing = pids(potions)[potions.live("blog").other]
    assert standing
    # A deploy that fails before it needs the slot leaves it standing by.
    potions.refused("deploy", str(release("4", manifest="[deploy\n")), "--app", "blog")
    deploy(potions, release("5", manifest=LONG))
    assert pids(potions)[potions.live("blog")] not in (0, standing)
    potions.do("stop", "blog")
    assert set(pids(potions).values()) == {0}
    assert all(slot.standby_until is None for slot in potions.client.app("blog").slots)


def test_what_stands_by_and_broke_is_not_switched_to(potions: Platform, release: Callable[..., Path]) -> None:
    """It ran and does not any more: it is started again. It runs and answers badly: what serves goes on."""
    manifest = f'{LONG}[health]\npath = "/file?path=storage/health.txt"\ntimeout = "1s"\n'
    potions.do("apps", "create", "blog")
    health = potions.tree("blog").storage / "health.txt"
    health.write_text("ok")
    health.chmod(0o644)
    deploy(potions, release("1", manifest=manifest))
    deploy(potions, release("2", manifest=manifest))
    health.unlink()
    refused = potions.refused("rollback", "blog")
    assert "did not become healthy" in refused.text
    assert potions.version("blog") == "2"


def test_what_stands_by_survives_the_agent_and_not_the_platform(
    own_potions: Platform, release: Callable[..., Path]
) -> None:
    """The agent is killed: it stands by on. Potions is stopped and started: only what serves runs again."""
    own_potions.do("apps", "create", "blog")
    deploy(own_potions, release("1", manifest=LONG))
    deploy(own_potions, release("2", manifest=LONG))
    before = pids(own_potions)
    agent = own_potions.agent_pid()

    os.kill(agent, signal.SIGKILL)
    wait_for(lambda: own_potions.run("status").status == 0 and own_potions.agent_pid() != agent, "the agent is back")
    assert pids(own_potions) == before
    own_potions.do("rollback", "blog")
    assert own_potions.version("blog") == "1"
    settled(own_potions)
    assert pids(own_potions) == before
    own_potions.do("down")
    own_potions.do("up")
    live = own_potions.live("blog")
    wait_for(lambda: own_potions.version("blog") == "1", "what served serves")
    assert pids(own_potions)[live.other] == 0
    assert own_potions.client.app("blog").slots[0].standby_until is None


def test_a_standby_that_runs_out_while_a_rollback_is_typed(potions: Platform, release: Callable[..., Path]) -> None:
    """Right before its end, at its end or right after it: the rollback succeeds, warm or cold."""
    potions.do("apps", "create", "blog")
    manifest = '[deploy]\nstandby = "400ms"\n'
    for version in ("1", "2"):
        deploy(potions, release(version, manifest=manifest))
    for number, late in enumerate((0.2, 0.35, 0.38, 0.4, 0.42, 0.5)):
        until = potions.client.deployments("blog", 1)[0].standby_until
        begins = datetime.now(UTC) if until is None else until - timedelta(seconds=0.4)
        time.sleep(max(0.0, (begins + timedelta(seconds=late) - datetime.now(UTC)).total_seconds()))
        potions.do("rollback", "blog")
        assert potions.version("blog") == ("1" if number % 2 == 0 else "2")
        settled(potions)
    idle = potions.live("blog").other
    wait_for(lambda: pids(potions)[idle] == 0, "the last one ends")
