"""Entries of the history of variables: written in the transaction of what they tell of, and read back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select

from potions.model.variable import LOOKS, VariableAct, VariableEvent
from potions.store import tables

#: So many changes of an app are kept, and beside them so many looks: whoever looks often pushes out no change.
KEPT = 1000

_CHANGES = frozenset(VariableAct) - LOOKS
_table = tables.variable_changes
_columns = tables.variable_changes.c


def record(connection: Connection, app_id: int, event: VariableEvent) -> None:
    """Write an entry; the oldest of its kind beyond ``KEPT`` go."""
    lists = {"added": event.added, "changed": event.changed, "removed": event.removed, "seen": event.seen}
    names = {what: those for what, those in lists.items() if those}
    row = {"app_id": app_id, "at": event.at, "by": event.by, "act": event.act.value, "names": names}
    connection.execute(insert(_table).values(row))
    _forget_oldest(connection, app_id, LOOKS if event.act in LOOKS else _CHANGES)


def newest_first(app_id: int) -> Select[Any]:
    return select(_table).where(_columns.app_id == app_id).order_by(_columns.id.desc())


def event_of(row: Row[Any]) -> VariableEvent:
    return VariableEvent(row.at, row.by, VariableAct(row.act), **row.names)


def _forget_oldest(connection: Connection, app_id: int, acts: Collection[VariableAct]) -> None:
    of_kind = _columns.act.in_([act.value for act in acts])
    newest = select(_columns.id).where(_columns.app_id == app_id, of_kind).order_by(_columns.id.desc())
    first_too_many = newest.limit(1).offset(KEPT).scalar_subquery()
    connection.execute(delete(_table).where(_columns.app_id == app_id, of_kind, _columns.id <= first_too_many))
