"""What runs and what should: the live slot and its workers, nothing in the idle one, nothing of a stopped app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from potions.layout import Colour
from potions.model.doctor.finding import Finding, Kind, Severity
from potions.model.service import Phase

LIVE_DOWN = Kind(
    "live-down",
    Severity.ERROR,
    "The live slot of an app does not run, though nobody stopped the app: visitors are told that it is not running.",
    "potions start APP; what it printed last: potions logs APP",
    "starts it, and waits until it is healthy",
)
LIVE_CRASHING = Kind(
    "live-crashing",
    Severity.ERROR,
    "The live slot ends by itself again and again.",
    "potions logs APP; the release before it: potions rollback APP",
)
LIVE_STARTING = Kind(
    "live-starting",
    Severity.INFO,
    "The live slot was started a moment ago, and does not listen yet.",
    "Look again; what it prints: potions logs APP -f",
)
LIVE_NOT_LISTENING = Kind(
    "live-not-listening",
    Severity.ERROR,
    "The live slot runs, and does not listen where the proxy asks: 127.0.0.1, at its own port.",
    "potions restart APP; what it printed: potions logs APP",
)
LISTENS_EVERYWHERE = Kind(
    "listens-everywhere",
    Severity.INFO,
    "The app listens on every address: who reaches this computer reaches it without the proxy.",
    "Have it listen on 127.0.0.1, unless a firewall closes the port",
)
IDLE_RUNS = Kind(
    "idle-runs",
    Severity.ERROR,
    "Something runs in the idle slot, which neither drains nor stands by: two copies work on one storage.",
    "potions doctor APP --fix",
    "ends what runs in the idle slot",
)
STOPPED_RUNS = Kind(
    "stopped-runs",
    Severity.ERROR,
    "Something of an app runs that a person stopped.",
    "potions stop APP",
    "ends it",
)
UNSTEADY = Kind(
    "unsteady",
    Severity.WARNING,
    "A program runs, and has ended by itself several times in the last minutes.",
    "potions logs APP; for parts of the platform: their logs in the home",
)
WORKER_DOWN = Kind(
    "worker-down",
    Severity.ERROR,
    "A worker of the live slot does not run, and is not started again.",
    "potions logs APP --process WORKER; potions restart APP",
    "starts it again",
)
WORKER_CRASHING = Kind(
    "worker-crashing",
    Severity.ERROR,
    "A worker of the live slot ends again and again.",
    "potions logs APP --process WORKER",
)
WORKER_MAY_BE_DOWN = Kind(
    "optional-worker-down",
    Severity.INFO,
    "A worker that may be down, by its potions.toml, does not run.",
    "potions logs APP --process WORKER",
)
STRAY_PROCESSES = Kind(
    "stray-processes",
    Severity.WARNING,
    "Processes run from the directory of an app that is no app of this Potions.",
    "potions doctor --fix",
    "ends them",
)

KINDS = (
    LIVE_DOWN,
    LIVE_CRASHING,
    LIVE_STARTING,
    LIVE_NOT_LISTENING,
    LISTENS_EVERYWHERE,
    IDLE_RUNS,
    STOPPED_RUNS,
    UNSTEADY,
    WORKER_DOWN,
    WORKER_CRASHING,
    WORKER_MAY_BE_DOWN,
    STRAY_PROCESSES,
)

#: The addresses at which a listener gets what is sent to 127.0.0.1.
ASKED = frozenset({"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"})  # noqa: S104 - only looked for
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - only looked for
#: So many ends in the last minutes are no accident any more.
_OFTEN = 3


class WorkerSeen(msgspec.Struct, frozen=True):
    """A worker that the live slot should have."""

    name: str
    phase: Phase
    optional: bool = False


class SlotSeen(msgspec.Struct, frozen=True):
    """A slot and what runs in it."""

    colour: Colour
    port: int
    phase: Phase
    """Of its ``web``."""
    up_for: float = 0.0
    """Seconds since ``web`` was started last."""
    pids: frozenset[int] = frozenset()
    listening: tuple[tuple[str, int], ...] = ()
    """Where its processes listen."""


class AppSeen(msgspec.Struct, frozen=True):
    """An app, and what it should be doing."""

    name: str
    serves: bool
    """Whether the live slot holds a release."""
    stopped: bool
    keeps_idle: bool
    """Whether the idle slot may run: it drains, or stands by."""
    live: SlotSeen
    idle: SlotSeen
    workers: tuple[WorkerSeen, ...] = ()
    boot: float = 60.0
    """Seconds in which it may open its port: what a deploy would wait."""


def judge_processes(app: AppSeen) -> list[Finding]:
    """The live slot serves, its workers run, and nothing else does."""
    if app.stopped:
        return list(_judge_stopped(app))
    found = [*_judge_idle(app)]
    if app.serves:
        found += [*_judge_live(app), *_judge_workers(app)]
    return found


def _judge_stopped(app: AppSeen) -> Iterator[Finding]:
    for slot in (app.live, app.idle):
        if slot.pids:
            yield STOPPED_RUNS.found(
                f"{app.name} is stopped, and {_processes(slot.pids)} of its {slot.colour} slot.",
                app=app.name,
                place=slot.colour,
                expected="Nothing of it runs.",
                do=f"potions stop {app.name}",
            )


def _judge_idle(app: AppSeen) -> Iterator[Finding]:
    if app.idle.pids and not app.keeps_idle:
        yield IDLE_RUNS.found(
            f"{app.idle.colour}, the idle slot of {app.name}, neither drains nor stands by, "
            f"and {_processes(app.idle.pids)} in it.",
            app=app.name,
            place=app.idle.colour,
            expected="Nothing runs in it.",
            do=f"potions doctor {app.name} --fix",
        )


def _judge_live(app: AppSeen) -> Iterator[Finding]:
    slot = app.live
    if slot.phase is Phase.CRASHING:
        yield _of_live(LIVE_CRASHING, app, "ends again and again", f"See why: potions logs {app.name}")
    elif slot.phase is not Phase.RUNNING:
        yield _of_live(
            LIVE_DOWN,
            app,
            f"does not run: {slot.phase.value}",
            f"potions start {app.name}; what it printed last: potions logs {app.name}",
        )
    elif _answers(slot):
        yield from _judge_addresses(app)
    else:
        yield _starting(app) if slot.up_for < app.boot else _not_listening(app)


def _answers(slot: SlotSeen) -> bool:
    return any(port == slot.port and address in ASKED for address, port in slot.listening)


def _of_live(kind: Kind, app: AppSeen, what: str, do: str) -> Finding:
    return kind.found(
        f"{app.live.colour}, the live slot of {app.name}, {what}.",
        app=app.name,
        place=app.live.colour,
        expected="It runs.",
        do=do,
    )


def _starting(app: AppSeen) -> Finding:
    return _of_live(
        LIVE_STARTING, app, f"was started {app.live.up_for:.0f} s ago", f"Look again; potions logs {app.name} -f"
    )


def _not_listening(app: AppSeen) -> Finding:
    elsewhere = ", ".join(sorted(f"{address}:{port}" for address, port in app.live.listening))
    return LIVE_NOT_LISTENING.found(
        f"{app.live.colour}, the live slot of {app.name}, runs, and does not listen on 127.0.0.1:{app.live.port}.",
        app=app.name,
        place=app.live.colour,
        why=f"It listens on {elsewhere}." if elsewhere else "It listens nowhere.",
        do=f"potions restart {app.name}; what it printed: potions logs {app.name}",
    )


def _judge_addresses(app: AppSeen) -> Iterator[Finding]:
    if any(port == app.live.port and address in _EVERYWHERE for address, port in app.live.listening):
        yield LISTENS_EVERYWHERE.found(
            f"{app.name} listens on port {app.live.port} of every address.",
            app=app.name,
            place=app.live.port,
            expected="It listens on 127.0.0.1.",
        )


def _judge_workers(app: AppSeen) -> Iterator[Finding]:
    for worker in app.workers:
        if worker.phase is not Phase.RUNNING:
            crashing = worker.phase is Phase.CRASHING
            kind = WORKER_CRASHING if crashing else WORKER_DOWN
            yield (WORKER_MAY_BE_DOWN if worker.optional else kind).found(
                f"The worker {worker.name} of {app.name} {'ends again and again' if crashing else 'does not run'}.",
                app=app.name,
                place=worker.name,
                expected="It runs.",
                do=f"See why: potions logs {app.name} --process {worker.name}",
                fixable=worker.phase is not Phase.ABSENT,
            )


def judge_exits(exits: Mapping[str, int], minutes: int, see: Callable[[str], str], *, app: str = "") -> list[Finding]:
    """``exits``: how often each program that runs ended by itself in the last ``minutes``.

    ``see``: what to run, or to read, for the program of that name.
    """
    return [
        UNSTEADY.found(
            f"{name} ended by itself {count} times in the last {minutes} minutes.",
            app=app,
            place=name,
            do=f"See why: {see(name)}",
        )
        for name, count in sorted(exits.items())
        if count >= _OFTEN
    ]


def judge_strays(strays: Iterable[tuple[str, frozenset[int]]]) -> list[Finding]:
    """Each is a directory that no app has, and what runs from it."""
    return [
        STRAY_PROCESSES.found(
            f"{_processes(pids).capitalize()} from {directory}, which is the directory of no app.", place=directory
        )
        for directory, pids in strays
    ]


def _processes(pids: frozenset[int]) -> str:
    """``process 55 runs`` or ``3 processes run``."""
    return f"process {next(iter(pids))} runs" if len(pids) == 1 else f"{len(pids)} processes run"
