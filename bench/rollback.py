"""A rollback to a slot that stands by: what the agent needs for it, and when the release before answers again."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench import stage
from bench.report import Figure, Report, median, say
from potions.layout import Colour
from potions.schema import Event, EventKind
from support.load import Load
from support.load_result import Result
from support.load_run import Bounds
from support.platform import Platform

APP = "gallery"
_STANDBY = '[deploy]\nstandby = "1h"\n'
_PAUSE = 0.002


class Rollback(NamedTuple):
    """One rollback; seconds."""

    asked_to_renamed: float
    """From the command to the end of the step with the rename: from then on every request goes to the other slot."""
    asked_to_confirmed: float
    steps: dict[str, float]
    switch_to_answer: float
    """From the beginning of the step with the rename to the end of the first answer of the release before."""
    asked_to_answer: float


def run(rounds: int) -> Report:
    """Go to and fro between two running slots."""
    with stage.folder() as place, stage.platform() as running, ExitStack() as opened:
        say(f"{rounds} rollbacks between two running slots")
        _deploy_both(running, place)
        load = opened.enter_context(_load(running))
        asked = [_roll_back(running) for _ in range(rounds)]
        result = load.stop()
        rollbacks = [_rollback(*one, result) for one in asked]
    return _report(rollbacks, result)


def _deploy_both(running: Platform, place: Path) -> None:
    """Version 1, and version 2 beside which it stands by."""
    with running.client as client:
        client.create_app(APP)
        for version in stage.VERSIONS.values():
            archive = stage.behave_archive(place, version, manifest=_STANDBY)
            number = client.deploy(APP, stage.send(running, APP, archive)).number
            for _ in client.events(APP, number, follow=True, drain=True):
                pass


def _load(running: Platform) -> Load:
    bounds = Bounds(3600, 10_000_000, _PAUSE)
    return Load(("127.0.0.1", running.http_port), f"{APP}.localhost", kept_alive=2, fresh=1, bounds=bounds)


def _roll_back(running: Platform) -> tuple[float, str, list[Event]]:
    """One rollback: when it was asked for, which version it brings back, and its log."""
    version = stage.VERSIONS[running.live(APP).other]
    with running.client as client:
        asked = time.time()
        number = client.rollback(APP).number
        events = list(client.events(APP, number, follow=True, drain=True))
    return asked, version, events


def _rollback(asked: float, version: str, events: list[Event], result: Result) -> Rollback:
    ended = {event.step: event for event in events if event.kind is EventKind.ENDED}
    if "confirm" not in ended:
        raise stage.BenchBroken(f"a rollback did not come to its end: {events}")
    steps = {step: event.seconds for step, event in ended.items() if step not in ("stop workers", "drain", "retire")}
    switching = ended["switch"].at.timestamp() - ended["switch"].seconds
    # The log tells the time of day, the load monotonic instants.
    ahead = time.time() - time.monotonic()
    answers = (record.done + ahead for record in result.records if record.version == version and not record.problem)
    first = min(instant for instant in answers if instant >= switching)
    renamed, confirmed = (ended[step].at.timestamp() - asked for step in ("switch", "confirm"))
    return Rollback(renamed, confirmed, steps, first - switching, first - asked)


def _report(rollbacks: list[Rollback], result: Result) -> Report:
    report = Report("Rollback to a slot that stands by")
    report.figures = [
        Figure("failed requests meanwhile", result.failed, at_most=0),
        Figure("asked to renamed, median", _median_ms(rollbacks, "asked_to_renamed"), "ms", at_most=5),
        Figure("asked to confirmed, median", _median_ms(rollbacks, "asked_to_confirmed"), "ms"),
        Figure("  the step with the rename, median", median([one.steps["switch"] for one in rollbacks]) * 1000, "ms"),
        Figure("that step's begin to the first answer, median", _median_ms(rollbacks, "switch_to_answer"), "ms"),
        Figure("asked to the first answer, median", _median_ms(rollbacks, "asked_to_answer"), "ms"),
    ]
    for step in rollbacks[0].steps:
        took = median([one.steps.get(step, 0.0) for one in rollbacks])
        report.figures.append(Figure(f"  step {step}", took * 1000, "ms"))
    report.figures.append(Figure("longest gap without an answer", result.longest_gap * 1000, "ms"))
    report.notes.append(
        f"{len(rollbacks)} rollbacks, to {Colour.BLUE} and {Colour.GREEN} in turn; steps are told in whole ms"
    )
    return report


def _median_ms(rollbacks: list[Rollback], field: str) -> float:
    return median([getattr(one, field) for one in rollbacks]) * 1000
