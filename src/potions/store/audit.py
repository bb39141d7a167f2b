"""The log of who did what: one row for each act, and never more than so many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select

from potions.model.access import Way
from potions.model.person import AuditEntry
from potions.store import tables
from potions.store.database import StorePart

OK = "ok"
#: So many acts that were done are kept, and beside them so many that were refused: whoever is refused often pushes out
#: nothing of what was done.
KEPT_DONE = 90_000
KEPT_REFUSED = 10_000
#: The oldest are looked for once in so many entries, and by the housekeeping.
_PRUNED_EVERY = 1000

_audit = tables.audit.c


class Audit(StorePart):
    """What ``potions audit`` shows."""

    def write_audit(self, *, who: str, way: Way, address: str, act: str, app: str, detail: str, outcome: str) -> None:
        """Remember an act. One INSERT."""
        row = {"at": tables.now(), "who": who, "way": way.value, "address": address}
        row |= {"act": act, "app": app, "detail": detail, "outcome": outcome}
        with self._database.writing() as connection:
            key = connection.execute(insert(tables.audit).values(row)).inserted_primary_key
            if key and key[0] % _PRUNED_EVERY == 0:
                _prune(connection)

    def audit(
        self, limit: int, before: int | None = None, app: str | None = None, person: str | None = None
    ) -> list[AuditEntry]:
        """The newest ``limit`` entries (older than the one with the id ``before``), the newest first.

        ``person`` takes what their tokens did along.
        """
        found = select(tables.audit).order_by(_audit.id.desc()).limit(limit)
        if before is not None:
            found = found.where(_audit.id < before)
        if app is not None:
            found = found.where(_audit.app == app)
        if person is not None:
            found = found.where(or_(_audit.who == person, _audit.who.endswith(f" ({person})", autoescape=True)))
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(found)]

    def prune_audit(self) -> None:
        """Forget the oldest beyond what is kept."""
        with self._database.writing() as connection:
            _prune(connection)


def _prune(connection: Connection) -> None:
    for kind, kept in ((_audit.outcome == OK, KEPT_DONE), (_audit.outcome != OK, KEPT_REFUSED)):
        _forget_oldest(connection, kind, kept)


def _forget_oldest(connection: Connection, kind: ColumnElement[bool], kept: int) -> None:
    newest = select(_audit.id).where(kind).order_by(_audit.id.desc())
    first_too_many = newest.limit(1).offset(kept).scalar_subquery()
    connection.execute(delete(tables.audit).where(kind, _audit.id <= first_too_many))


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.id, row.at, row.who, Way(row.way), row.address, row.act, row.app, row.detail, row.outcome)
