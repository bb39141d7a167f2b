"""A deployment's log as people read it: how far each of its steps is, and a line for what else it says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from potions.dashboard.looks import seconds, size
from potions.harmless import sanitise
from potions.schema import Event, EventKind

#: How much of a log a page holds. What came before is in the download.
ROWS_MAX = 2000
_CHARACTERS_MAX = 1_000_000


#: What changes a step; a log consists of other events almost wholly.
_OF_STEPS = {EventKind.BEGAN, EventKind.ENDED, EventKind.UNDONE, EventKind.PROGRESS, EventKind.FAILED}


class Progress(StrEnum):
    """How far a step is."""

    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One line of the log. ``at`` is the time of the day in UTC, ``kind`` one of `EventKind`."""

    at: str
    kind: EventKind
    text: str

    @property
    def plain(self) -> str:
        """As it stands in a file."""
        return f"{self.at}  {self.text}\n"


class Step(msgspec.Struct, frozen=True):
    """One step. ``took`` is in words once it ended; ``done`` and ``total`` are bytes, 0 where nothing counts them."""

    name: str
    progress: Progress
    began: datetime
    took: str = ""
    done: int = 0
    total: int = 0

    @property
    def amount(self) -> str:
        """``12.0 MB of 18.0 MB``, or what is known of it."""
        if not self.done and not self.total:
            return ""
        return f"{size(self.done)} of {size(self.total)}" if self.done < self.total else size(self.done)

    @property
    def runs_since(self) -> float:
        """Seconds."""
        return max(0.0, (datetime.now(UTC) - self.began).total_seconds())


class Transcript:
    """Takes events one after another. ``count`` of them came; the last rows are kept, and every step."""

    def __init__(self) -> None:
        self.count = 0
        self.left_out = 0
        # Events, and not rows: what falls out again need not be put into words.
        self._kept: deque[Event] = deque()
        self._characters = 0
        self._steps: dict[str, Step] = {}

    @property
    def rows(self) -> list[Row]:
        """The last ones."""
        return [row for event in self._kept if (row := row_of(event)) is not None]

    @property
    def steps(self) -> list[Step]:
        """In the order in which they began."""
        return list(self._steps.values())

    def take(self, event: Event) -> None:
        """Take the next event."""
        self.count += 1
        self._take_step(event)
        if event.kind is not EventKind.PROGRESS:
            self._keep(event)

    def take_step(self, event: Event) -> Step | None:
        """Take the next event, but keep no row of it: returns the step that it changed."""
        self.count += 1
        return self._take_step(event)

    def _take_step(self, event: Event) -> Step | None:
        if event.kind not in _OF_STEPS:
            return None
        step = _after(self._steps.get(sanitise(event.step)), event)
        if step is not None:
            if event.kind is EventKind.BEGAN:
                # One that is done again, as after a crash, stands where it was begun last.
                self._steps.pop(step.name, None)
            self._steps[step.name] = step
        return step

    def _keep(self, event: Event) -> None:
        self._kept.append(event)
        self._characters += len(event.text)
        while len(self._kept) > ROWS_MAX or (self._characters > _CHARACTERS_MAX and len(self._kept) > 1):
            self._characters -= len(self._kept.popleft().text)
            self.left_out += 1


def read(events: Iterable[Event]) -> Transcript:
    """A whole log, of which only the end is kept."""
    transcript = Transcript()
    for event in events:
        transcript.take(event)
    return transcript


def row_of(event: Event) -> Row | None:
    """The line for an event; None for what only moves a bar."""
    words = _words(event)
    if words is None:
        return None
    return Row(event.at.astimezone(UTC).strftime("%H:%M:%S"), event.kind, words)


def _words(event: Event) -> str | None:
    step = sanitise(event.step)
    match event.kind:
        case EventKind.BEGAN:
            return f"{step} begins"
        case EventKind.ENDED:
            return f"{step} is done after {seconds(event.seconds)}"
        case EventKind.UNDONE:
            return f"{step} is undone"
        case EventKind.FAILED:
            return f"{step} failed: {_lines(event.text)}" if step else _lines(event.text)
        case EventKind.STATUS:
            return f"status: {sanitise(event.text)}"
        case EventKind.OUTPUT | EventKind.NOTE:
            return sanitise(event.text)
        case _:
            return None


def _lines(text: str) -> str:
    return "\n".join(map(sanitise, text.split("\n")))


def _after(step: Step | None, event: Event) -> Step | None:
    """What a step is behind an event; None where the event changes none."""
    name = sanitise(event.step)
    if not name:
        return None
    known = step or Step(name, Progress.RUNNING, event.at)
    match event.kind:
        case EventKind.BEGAN:
            return Step(name, Progress.RUNNING, event.at)
        case EventKind.PROGRESS:
            return msgspec.structs.replace(known, done=event.done, total=event.total)
        case EventKind.ENDED:
            return msgspec.structs.replace(known, progress=Progress.DONE, took=seconds(event.seconds))
        case EventKind.FAILED:
            return msgspec.structs.replace(known, progress=Progress.FAILED, took=_took(step, event))
        case EventKind.UNDONE if known.progress is not Progress.FAILED:
            return msgspec.structs.replace(known, progress=Progress.UNDONE)
        case _:
            return None


def _took(step: Step | None, event: Event) -> str:
    if event.seconds:
        return seconds(event.seconds)
    return "" if step is None else seconds(max(0.0, (event.at - step.began).total_seconds()))
