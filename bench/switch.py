"""Switches between two running slots under load: failed and stale answers, gaps, WebSockets, latencies, durations.

The load comes from processes of its own and goes on across all switches; those are the product's own (`Trees.point`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from bench import stage
from bench.judgement import AROUND, Judged, Switch, judge
from bench.report import Figure, Report, median, say, share
from potions.host.files import replace_link, sync_filesystem
from potions.host.trees import Trees
from potions.layout import AppTree, Colour
from support.load import Load
from support.load_result import Result
from support.load_run import Bounds
from support.platform import Platform
from support.websocket_watch import WebSocketWatch

APP, NEIGHBOUR = "gallery", "neighbour"
_WEBSOCKETS_EACH = 4
_STEADY_SECONDS = 10.0
#: The switches end a little before the load, so that the last one is judged too.
_SHARE_OF_LOAD = 0.9
_ALONE = 50
_FOR_EVER = 24 * 3600.0


class Plan(NamedTuple):
    """How much is asked."""

    requests: int = 1_000_000
    switches: int = 100
    connections: int = 32
    processes: int = 2


QUICK = Plan(requests=50_000, switches=20)


class WebSocketSeen(NamedTuple):
    """One WebSocket at the end of the run."""

    open: bool
    longest_silence: float


class Measured(NamedTuple):
    """Everything seen in one run. Durations are seconds."""

    steady: list[Result]
    load: Result
    switches: list[Switch]
    websockets: list[WebSocketSeen]
    links: list[float]
    """`replace_link` without load: symlink, rename, and the folder brought to the disk."""
    syncs: list[float]
    """`sync_filesystem` without load."""


def run(plan: Plan) -> Report:
    """Measure, judge, and report."""
    with stage.folder() as place, stage.platform() as running:
        for app in (APP, NEIGHBOUR):
            say(f"deploying {app} twice, both slots running")
            stage.deploy_both(running, app, lambda version, app=app: stage.behave_archive(place, version, app))  # type: ignore[misc]
        measured = _measure(running, plan)
    return _report(plan, measured, judge(measured.load, measured.switches))


def _measure(running: Platform, plan: Plan) -> Measured:
    trees, tree = stage.trees_of(running), running.tree(APP)
    with ExitStack() as opened:
        watches = _open_websockets(running, trees, tree, opened)
        before = _steady(running, plan, "before")
        say(f"{plan.switches} switches under {plan.requests:,} requests")
        every = _SHARE_OF_LOAD * plan.requests / before.per_second / plan.switches
        with _load(running, plan, Bounds(_FOR_EVER, plan.requests)) as load:
            switches = _switch_to_and_fro(trees, tree, plan.switches, every)
            result = load.wait()
        after = _steady(running, plan, "after")
        links, syncs = _without_load(tree)
        seen = [_look_at(watch) for watch in watches]
    return Measured([before, after], result, switches, seen, links, syncs)


def _load(running: Platform, plan: Plan, bounds: Bounds) -> Load:
    fresh = plan.connections // 4
    return Load(
        ("127.0.0.1", running.http_port),
        f"{APP}.localhost",
        kept_alive=plan.connections - fresh,
        fresh=fresh,
        bounds=bounds,
        processes=plan.processes,
    )


def _steady(running: Platform, plan: Plan, when: str) -> Result:
    say(f"{_STEADY_SECONDS:g} s of the same load without a switch, {when}")
    with _load(running, plan, Bounds(_STEADY_SECONDS, plan.requests)) as load:
        return load.wait()


def _open_websockets(running: Platform, trees: Trees, tree: AppTree, opened: ExitStack) -> list[WebSocketWatch]:
    """Some in each slot of this app, and some in the other app."""
    address = ("127.0.0.1", running.http_port)

    def several(app: str) -> list[WebSocketWatch]:
        host = f"{app}.localhost"
        return [opened.enter_context(WebSocketWatch(address, host)) for _ in range(_WEBSOCKETS_EACH)]

    watches = several(NEIGHBOUR)
    for colour in Colour:
        trees.point(tree, colour)
        watches += several(APP)
    return watches


def _look_at(watch: WebSocketWatch) -> WebSocketSeen:
    """Whether it still speaks; asked before this side ends it."""
    return WebSocketSeen(watch.wait_for_more(), watch.longest_silence)


def _switch_to_and_fro(trees: Trees, tree: AppTree, count: int, every: float) -> list[Switch]:
    """So many switches, ``every`` seconds one; each is timed around its rename(2)."""
    switches = []
    colour = trees.live(tree)
    start = time.monotonic()
    with _renames() as renames:
        for number in range(count):
            time.sleep(max(0.0, start + (number + 0.5) * every - time.monotonic()))
            colour = colour.other
            began = time.monotonic()
            trees.point(tree, colour)
            ended = time.monotonic()
            switches.append(Switch(began, *renames[-1], ended, stage.VERSIONS[colour]))
    return switches


@contextmanager
def _renames() -> Iterator[list[tuple[float, float]]]:
    """Collects when each rename of this process was called, and when it returned."""
    instants: list[tuple[float, float]] = []
    rename = os.rename

    def timed(*words: Any, **options: Any) -> None:
        before = time.monotonic()
        rename(*words, **options)
        instants.append((before, time.monotonic()))

    os.rename = timed
    try:
        yield instants
    finally:
        os.rename = rename


def _without_load(tree: AppTree) -> tuple[list[float], list[float]]:
    """What a switch costs on a computer that does nothing else: the link, and the file system brought to the disk."""
    links, syncs = [], []
    target = str(tree.live.readlink())
    for _ in range(_ALONE):
        began = time.monotonic()
        sync_filesystem(tree.root)
        synced = time.monotonic()
        replace_link(tree.live, target, tree.live_new)
        syncs.append(synced - began)
        links.append(time.monotonic() - synced)
    return links, syncs


def _report(plan: Plan, measured: Measured, judged: Judged) -> Report:
    load, switches = measured.load, measured.switches
    steady = Result([record for part in measured.steady for record in part.records], 0.0, 0.0)
    answered = [switch for switch in switches if switch.ended < load.ended]
    cut = sum(not websocket.open for websocket in measured.websockets)
    steady_gap = max(part.longest_gap for part in measured.steady)
    steady_rate = sum(part.per_second for part in measured.steady) / len(measured.steady)
    figures = [
        Figure("requests", load.total, at_least=plan.requests),
        Figure("switches under load", len(answered), at_least=plan.switches),
        Figure("failed requests", load.failed, at_most=0),
        Figure("stale answers", judged.stale, at_most=0),
        Figure("WebSockets cut", cut, at_most=0),
        Figure("longest gap without an answer, around a switch", _ms(judged.switching.longest_gap), "ms", at_most=50),
        Figure("  around half way between two", _ms(judged.control.longest_gap), "ms"),
        Figure("  anywhere in the load", _ms(load.longest_gap), "ms", at_most=50),
        Figure("  in the same load without a switch", _ms(steady_gap), "ms"),
        Figure("longest silence of a WebSocket (ticks every 100 ms)", _ms(_silence(measured)), "ms"),
        Figure("p99, whole load (floor: steady)", _ms(load.p99), "ms", floor=_ms(steady.p99), at_most=1.2),
        Figure(
            "p99, around a switch (floor: around half way between)",
            _ms(judged.switching.p99),
            "ms",
            floor=_ms(judged.control.p99),
            at_most=1.2,
        ),
        Figure("p50, whole load (floor: steady)", _ms(load.p50), "ms", floor=_ms(steady.p50)),
        Figure("requests a second (floor: steady)", load.per_second, "/s", floor=steady_rate),
        *_durations(measured, judged),
    ]
    return Report("Switching between two running slots", figures, _notes(plan, measured, judged))


def _durations(measured: Measured, judged: Judged) -> list[Figure]:
    renames = [switch.renamed - switch.renaming for switch in measured.switches]
    wholes = [switch.ended - switch.began for switch in measured.switches]
    return [
        Figure("rename alone, median", _ms(median(renames)), "ms"),
        Figure("rename alone, longest", _ms(max(renames)), "ms"),
        Figure("whole switch with syncfs, under load, median", _ms(median(wholes)), "ms"),
        Figure("whole switch with syncfs, under load, longest", _ms(max(wholes)), "ms"),
        Figure("without load: syncfs, median", _ms(median(measured.syncs)), "ms"),
        Figure("without load: link, rename, fsync, median", _ms(median(measured.links)), "ms"),
        Figure("rename to the new slot's first answer, median", _ms(median(judged.first_answers)), "ms"),
        Figure("rename to the new slot's first answer, p90", _ms(share(judged.first_answers, 0.9)), "ms"),
    ]


def _notes(plan: Plan, measured: Measured, judged: Judged) -> list[str]:
    fresh = plan.connections // 4
    notes = [
        f"{plan.connections - fresh} kept-alive connections and {fresh} that are opened for each request, "
        f"{plan.processes} load processes; {len(measured.websockets)} WebSockets in both slots and in another app",
        f"around: in flight within {AROUND * 1000:g} ms of a switch's beginning ({judged.switching.requests:,}), "
        f"or of the instant half way to the next ({judged.control.requests:,})",
    ]
    return notes + [f"failed: {reason}" for reason in measured.load.reasons]


def _silence(measured: Measured) -> float:
    return max((websocket.longest_silence for websocket in measured.websockets), default=0.0)


def _ms(seconds: float) -> float:
    return seconds * 1000
