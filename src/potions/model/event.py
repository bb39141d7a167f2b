"""The lines of a deployment's log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class EventKind(StrEnum):
    """What a line tells."""

    STATUS = "status"
    """The deployment's status changed: ``text`` is the new one."""
    BEGAN = "began"
    """A step began."""
    ENDED = "ended"
    """A step ended well, after ``seconds``."""
    UNDONE = "undone"
    """A step was undone."""
    PROGRESS = "progress"
    """``done`` of ``total`` (bytes; total 0 where unknown) in a step."""
    OUTPUT = "output"
    """A line the app, its build or its migration printed."""
    NOTE = "note"
    """A word of the platform."""
    FAILED = "failed"
    """The step failed: ``text`` says what, why and what to do."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. ``step`` is the step's name, empty outside of one."""

    at: datetime
    kind: EventKind
    step: str = ""
    text: str = ""
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    position: int = 0
    """Where the line ends in the log, in bytes; given where it is read, and not kept."""
