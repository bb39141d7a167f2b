"""Switches under load: nothing fails, nothing is stale, nothing is cut."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.load import Load
from support.load_result import Result
from support.load_run import Bounds
from support.platform import Platform
from support.websocket_watch import WebSocketWatch

SWITCHES = 20
DEPLOYS = 3
#: The two slots stay up for as long as the story switches between them.
LONG_DRAIN = '[deploy]\ndrain = "10m"\n'
SHORT_DRAIN = '[deploy]\ndrain = "1s"\n'


def load(potions: Platform) -> Load:
    """32 connections, kept alive and fresh; a pause, so that they do not take the whole machine."""
    bounds = Bounds(seconds=170, requests=200_000, pause=0.01)
    return Load(("127.0.0.1", potions.http_port), "blog.localhost", kept_alive=24, fresh=8, bounds=bounds)


def assert_nobody_noticed(result: Result, windows: list[tuple[float, float, str]]) -> None:
    """No request failed, and what was sent while a version surely served was answered by it."""
    assert result.failed == 0, result.reasons
    parts = [(version, result.between(began, ended)) for began, ended, version in windows]
    assert sum(part.total for _, part in parts) > len(parts), "next to nothing was asked while it could be judged"
    for version, part in parts:
        assert part.versions in ([version], []), f"stale: {part.versions} while {version} served"


@pytest.mark.contract("B1")
@pytest.mark.contract("S2")
def test_switches_between_running_slots_break_nothing(potions: Platform, release: Callable[..., Path]) -> None:
    """20 switches between two running slots: 0 failed, 0 stale, no WebSocket cut, in this app and in another."""
    for app in ("blog", "blog2"):
        potions.client.create_app(app)
    potions.do("deploy", str(release("other")), "--app", "blog2")
    potions.do("deploy", str(release("1", manifest=LONG_DRAIN)), "--app", "blog")
    address = ("127.0.0.1", potions.http_port)
    windows = []
    with (
        WebSocketWatch(address, "blog.localhost") as own,
        WebSocketWatch(address, "blog2.localhost") as other,
    ):
        potions.do("deploy", str(release("2", manifest=LONG_DRAIN)), "--app", "blog")
        with load(potions) as running:
            for number in range(SWITCHES):
                end_of_switch(potions, potions.client.rollback("blog").number)
                began = time.monotonic()
                time.sleep(0.05)  # not to wait for anything: this is the time in which answers are judged
                windows.append((began, time.monotonic(), "1" if number % 2 == 0 else "2"))
        result = running.stop()
        assert own.is_open and other.is_open, f"cut: {own.close_code} {other.close_code}"
        own.wait_for_more(1)
        other.wait_for_more(1)
    assert_nobody_noticed(result, windows)


@pytest.mark.contract("B1")
def test_whole_deploys_break_nothing(potions: Platform, release: Callable[..., Path]) -> None:
    """3 deploys under load: 0 failed, 0 stale; the old slot's WebSocket ends after the drain, with a close frame."""
    for app in ("blog", "blog2"):
        potions.client.create_app(app)
    potions.do("deploy", str(release("other")), "--app", "blog2")
    potions.do("deploy", str(release("0", manifest=SHORT_DRAIN)), "--app", "blog")
    address = ("127.0.0.1", potions.http_port)
    windows = []
    with (
        WebSocketWatch(address, "blog.localhost") as own,
        WebSocketWatch(address, "blog2.localhost") as other,
        load(potions) as running,
    ):
        for version in ("1", "2", "3")[:DEPLOYS]:
            potions.do("deploy", str(release(version, manifest=SHORT_DRAIN)), "--app", "blog")
            began = time.monotonic()
            assert other.is_open
            for _ in potions.client.events("blog", int(version) + 1, follow=True, drain=True):
                pass
            windows.append((began, time.monotonic(), version))
        result = running.stop()
        own.wait_ended()
        assert own.close_code == 1001, f"not closed, but cut: {own.close_code}"
        assert other.is_open
    assert_nobody_noticed(result, windows)


def end_of_switch(potions: Platform, number: int) -> None:
    """Wait until the deployment has ended, and see that it succeeded."""
    for _ in potions.client.events("blog", number, follow=True):
        pass
    assert potions.client.deployment("blog", number).status == "succeeded"
