"""The kept log of one deployment: a JSON object a line, appended as things happen, so that anyone can follow it."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from potions.model.deployment import Failure, Status
from potions.model.event import Event, EventKind
from potions.secret import Redactor

#: A progress line at most this often, in seconds: enough to follow, and a long upload does not fill the log.
_PROGRESS_EVERY = 0.25
#: The longest line of an app's output that is kept whole, in characters.
_LINE_MAX = 4000
#: What an app, its build and its migration may print in one step, in bytes of the log; beyond it only the end is kept.
_OUTPUT_MAX = 8 * 1024 * 1024
_LAST_LINES = 100
#: What a line of the log has beside its text.
_LINE_COST = 100
_NOT_KEPT = (errno.ENOENT, errno.ENOSPC, errno.EDQUOT)


class DeploymentLog:
    """Appends to one log. Values that ``hide`` names never reach the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._step = ""
        self._redactor = Redactor({})
        self._told_progress = 0.0
        self._writing = threading.Lock()
        self._is_cut = False
        self._printed = 0
        self._left_out = 0
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    def hide(self, values: Mapping[str, str]) -> None:
        self._redactor = Redactor(values)

    def status(self, status: Status) -> None:
        self._append(EventKind.STATUS, status.value, step="")

    def began(self, step: str) -> None:
        self._step = step
        self._append(EventKind.BEGAN)

    def ended(self, step: str, seconds: float) -> None:
        self._tell_the_end()
        self._append(EventKind.ENDED, step=step, seconds=round(seconds, 3))
        self._step = ""

    def undone(self, step: str) -> None:
        self._append(EventKind.UNDONE, step=step)

    def note(self, text: str) -> None:
        self._append(EventKind.NOTE, text)

    def output(self, text: str) -> None:
        # Cut after the values are blacked out: half of one would not be found.
        line = self._redactor.line(text)[:_LINE_MAX]
        self._printed += len(line) + _LINE_COST
        if self._printed <= _OUTPUT_MAX:
            self._append(EventKind.OUTPUT, line)
        else:
            self._left_out += 1
            self._last.append(line)

    def progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told_progress >= _PROGRESS_EVERY or (done == total and done):
            self._told_progress = now
            self._append(EventKind.PROGRESS, done=done, total=total)

    def failed(self, step: str, failure: Failure) -> None:
        self._tell_the_end()
        text = "\n".join(part for part in (failure.what, failure.why, failure.do) if part)
        self._append(EventKind.FAILED, text, step=step)

    def _tell_the_end(self) -> None:
        """What a step printed that was too much: how many lines, and the last of them."""
        if self._left_out:
            self.note(f"it printed too much: {self._left_out - len(self._last):,} lines are left out here")
            for line in self._last:
                self._append(EventKind.OUTPUT, line)
        self._printed = self._left_out = 0
        self._last.clear()

    def _append(
        self,
        kind: EventKind,
        text: str = "",
        *,
        step: str | None = None,
        seconds: float = 0.0,
        done: int = 0,
        total: int = 0,
    ) -> None:
        event = Event(
            at=datetime.now(UTC),
            kind=kind,
            step=self._step if step is None else step,
            text=self._redactor.line(text) if text else "",
            seconds=seconds,
            done=done,
            total=total,
        )
        self._write(msgspec.json.encode(event) + b"\n")

    def _write(self, line: bytes) -> None:
        """One write(2) a line, so two writers never mix theirs; a reader takes what has its end.

        Nothing is kept where the folder was removed or the disk is full: that a deployment is undone is worth more than
        that it is told.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._writing:
            try:
                descriptor = os.open(self._path, flags, 0o640)
                try:
                    # A line that was cut by a full disk must not take this one along.
                    whole = b"\n" + line if self._is_cut else line
                    self._is_cut = os.write(descriptor, whole) < len(whole)
                finally:
                    os.close(descriptor)
            except OSError as error:
                if error.errno not in _NOT_KEPT:
                    raise


def read_events(data: bytes, position: int = 0) -> list[Event]:
    """The events in the whole lines of ``data``, which begins at ``position`` of the log.

    A line that a crash cut in half is left out.
    """
    events = []
    for line in data.split(b"\n"):
        position += len(line) + 1
        try:
            event = msgspec.json.decode(line, type=Event)
        except msgspec.DecodeError:
            continue
        events.append(msgspec.structs.replace(event, position=position))
    return events
