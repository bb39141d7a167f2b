"""Potions' own database, and the clock by which it tells times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from potions.model.doctor.finding import Finding, Kind, Severity

DATABASE_DAMAGED = Kind(
    "database-damaged",
    Severity.ERROR,
    "Potions' own database is damaged. The apps' own files are not in it.",
    "potions down; keep a copy of it; put a good copy in its place, or save what can be read with sqlite3's .recover",
)
DATABASE_REVISION = Kind(
    "database-revision",
    Severity.ERROR,
    "The database is of another version than this Potions.",
    "An older one: potions up brings it up to date. A newer one: install that version of Potions again",
)
CLOCK_BACK = Kind(
    "clock-back",
    Severity.WARNING,
    "The clock was set back: the database has entries from the future. What is kept for a time is kept for longer.",
    "Set the clock right; see it with: timedatectl",
)

KINDS = (DATABASE_DAMAGED, DATABASE_REVISION, CLOCK_BACK)

#: Clocks of one computer that keep time jump by less.
_SLACK = timedelta(minutes=5)


class DatabaseSeen(msgspec.Struct, frozen=True):
    """What the database says of itself."""

    path: str
    complaints: list[str]
    """What SQLite finds wrong in it."""
    revision: str | None
    newest: datetime | None = None
    """The latest moment that stands in it."""


def judge_database(seen: DatabaseSeen, head: str, now: datetime) -> Iterator[Finding]:
    """Whole, of this version, and from the past."""
    if seen.complaints:
        yield DATABASE_DAMAGED.found(f"{seen.path} is damaged.", place=seen.path, why="\n".join(seen.complaints))
    elif seen.revision != head:
        yield DATABASE_REVISION.found(
            f"{seen.path} is at revision {seen.revision}.", place=seen.path, expected=f"It is at {head}."
        )
    if seen.newest is not None and seen.newest > now + _SLACK:
        yield CLOCK_BACK.found(
            f"The database has an entry of {seen.newest:%Y-%m-%d %H:%M} UTC; the clock says {now:%Y-%m-%d %H:%M}.",
            place=seen.path,
        )
