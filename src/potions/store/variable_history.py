"""The history of an app's variables: who did what to which of them, and who saw values. Names only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from potions.model.variable import LOOKS, VariableAct, VariableEvent
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart
from potions.store.variable_events import event_of, newest_first, record

#: A look like one before it, with no change in between, is not written again for so long: a page that asks for
#: values every few seconds would fill the history with itself.
SAME_LOOK = timedelta(hours=1)


class VariableHistory(StorePart):
    """What ``potions env history`` shows."""

    def variable_history(self, app_id: int, limit: int, name: str | None = None) -> list[VariableEvent]:
        """The newest ``limit`` entries, the newest first; with ``name`` those about that variable."""
        with self._database.reading() as connection:
            events = map(event_of, connection.execute(newest_first(app_id)))
            return list(islice((event for event in events if name is None or name in event.names), limit))

    def record_look(self, app_id: int, by: str, act: VariableAct, names: Iterable[str]) -> bool:
        """Remember that ``by`` saw the values of these. False where the history says so already.

        Raises AppUnknown for an app that was deleted.
        """
        look = VariableEvent(tables.now(), by, act, seen=sorted(names))
        with self._database.writing() as connection:
            living_app(connection, app_id)
            if _is_known(connection, app_id, look):
                return False
            record(connection, app_id, look)
            return True


def _is_known(connection: Connection, app_id: int, look: VariableEvent) -> bool:
    for before in map(event_of, connection.execute(newest_first(app_id))):
        if before.act not in LOOKS or not _is_recent(before.at, look.at):
            return False
        if (before.by, before.act, before.seen) == (look.by, look.act, look.seen):
            return True
    return False


def _is_recent(before: datetime, now: datetime) -> bool:
    # Not in the future either: a clock that was set back must not keep looks out for as long as that.
    return timedelta() <= now - before < SAME_LOOK
