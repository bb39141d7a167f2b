"""A deploy, from the archive on the server to the first new answer through the proxy, beside its floor.

The floor is the same archive by ``tar``, the app started directly and asked until it answers well. Both alternate.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench import releases, stage
from bench.floor import Direct, first_good_answer, start_directly
from bench.releases import Timed
from bench.report import Figure, Report, median, say
from potions.embedded import load_settings
from potions.host.caddy import PROBE_HEADER, SLOT_HEADER
from potions.schema import Event, EventKind
from support.platform import Platform

APP = "timed"


class Deployed(NamedTuple):
    """One deploy; seconds."""

    whole: float
    """From the request to deploy to the end of the first answer of the new slot."""
    queue: float
    """From the request to the first step."""
    steps: dict[str, float]
    between: float
    """Between the end of each step and the beginning of the next: the journal."""
    answer: float
    """From the end of the switch to the first answer; negative where that came while the folder was synced."""


def run(rounds: int) -> list[Report]:
    """A report for each release that can be timed here."""
    with stage.folder() as place:
        timed = [releases.synthetic(place), releases.mix(place)]
        reports = [_time(release, place, rounds) for release in timed if release is not None]
    if None in timed:
        reports[-1].notes.append("NOT MEASURED: a Mix release, because Elixir is not installed here")
    return reports


def _time(release: Timed, place: Path, rounds: int) -> Report:
    with stage.platform() as running:
        with running.client as client:
            client.create_app(APP)
        say(f"{release.name}: once for warmth, then {rounds} rounds")
        stage.deploy(running, APP, release.archive)
        pairs = [_pair(running, release, place, number) for number in range(rounds)]
    return _report(release, [direct for direct, _ in pairs], [deployed for _, deployed in pairs])


def _pair(running: Platform, release: Timed, place: Path, number: int) -> tuple[Direct, Deployed]:
    """One round of each kind; which one comes first alternates."""
    if number % 2:
        deployed = _deploy(running, release)
        return _directly(running, release, place), deployed
    direct = _directly(running, release, place)
    return direct, _deploy(running, release)


def _directly(running: Platform, release: Timed, place: Path) -> Direct:
    stage.quiet_disk()
    data = running.tree(APP).env_file(running.live(APP)).read_bytes()
    pairs = (entry.split(b"=", 1) for entry in data.split(b"\0") if entry)
    environment = {name.decode(): value.decode() for name, value in pairs}
    return start_directly(release, place / "floor" / "slot", environment)


def _deploy(running: Platform, release: Timed) -> Deployed:
    sent = stage.send(running, APP, release.archive)
    slot = running.live(APP).other
    probe = {"Host": f"{APP}.localhost", PROBE_HEADER: load_settings(running.home).probe_token}
    stage.quiet_disk()
    with running.client as client:
        client.status()  # the connection is open before the clock runs
        asked = time.time()
        number = client.deploy(APP, sent).number
        # Not asked before the link says so: the answers of the old release would take the processor from the new one.
        stage.wait_until(lambda: running.live(APP) is slot, "the switch", every=0.002)
        answered = first_good_answer(
            running.http_port, probe, lambda answer: answer.getheader(SLOT_HEADER) == slot.value
        )
        stage.settled(running, APP, number)
        events = list(client.events(APP, number))
    return _phases(asked, answered, events)


def _phases(asked: float, answered: float, events: Sequence[Event]) -> Deployed:
    marks = [event for event in events if event.kind in (EventKind.BEGAN, EventKind.ENDED)]
    until = next(index for index, mark in enumerate(marks) if mark.step == "switch" and mark.kind is EventKind.ENDED)
    counted = marks[: until + 1]
    steps = {mark.step: mark.seconds for mark in counted if mark.kind is EventKind.ENDED}
    between = sum(
        (after.at - before.at).total_seconds() for before, after in pairwise(counted) if before.kind is EventKind.ENDED
    )
    return Deployed(
        whole=answered - asked,
        queue=counted[0].at.timestamp() - asked,
        steps=steps,
        between=between,
        answer=answered - counted[-1].at.timestamp(),
    )


def _report(release: Timed, directs: list[Direct], deploys: list[Deployed]) -> Report:
    report = Report(f"Deploy: {release.name}")
    floors = [direct.unpack + direct.boot for direct in directs]
    wholes = [deployed.whole for deployed in deploys]
    report.figures = [
        Figure("archive to first new answer", _ms(wholes), "ms", floor=_ms(floors), at_most=1.15),
        Figure("  asked to the first step", _ms([deployed.queue for deployed in deploys]), "ms"),
        *(_step_figure(step, directs, deploys) for step in deploys[0].steps),
        Figure("  between the steps (the journal)", _ms([deployed.between for deployed in deploys]), "ms"),
        Figure("  end of the switch to the first answer", _ms([deployed.answer for deployed in deploys]), "ms"),
    ]
    ratios = sorted(whole / floor for whole, floor in zip(wholes, floors, strict=True))
    report.notes = [
        f"medians of {len(deploys)} rounds; the rounds' own ratios: "
        f"lowest {ratios[0]:.2f}, median {median(ratios):.2f}, highest {ratios[-1]:.2f}",
        "floors: tar xzf for unpack, start to first good answer for verify, their sum for the whole",
    ]
    return report


def _step_figure(step: str, directs: list[Direct], deploys: list[Deployed]) -> Figure:
    floors = {"unpack": [direct.unpack for direct in directs], "verify": [direct.boot for direct in directs]}
    floor = _ms(floors[step]) if step in floors else None
    return Figure(f"  step {step}", _ms([deployed.steps.get(step, 0.0) for deployed in deploys]), "ms", floor=floor)


def _ms(seconds: list[float]) -> float:
    return median(seconds) * 1000
