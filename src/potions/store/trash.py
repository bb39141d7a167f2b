"""Deleted apps: gone for everybody, and brought back on request for as long as their directory is in the trash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from potions.errors import InternalError, TrashUnknown
from potions.model.app import App
from potions.model.deployment import Status
from potions.names import AppName
from potions.store import tables
from potions.store.apps import living_app, ports_for, remove_app
from potions.store.database import StorePart
from potions.store.domains import HOST_VARIABLE, primary_of, take_back
from potions.store.records import ChoosePorts, TrashRecord
from potions.store.remaking import make_anew


class Trash(StorePart):
    """What ``potions apps delete`` and ``potions apps restore`` remember."""

    def delete_app(self, app_id: int, trash: TrashRecord | None) -> None:
        """Free the app's name and ports. With ``trash``, ``restore_app`` can bring it back; without, its rows go.

        A deployment of it that has not ended is cancelled. Raises AppUnknown if it is deleted already.
        """
        with self._database.writing() as connection:
            living_app(connection, app_id)
            if trash is None:
                remove_app(connection, app_id)
            else:
                _put_into_trash(connection, app_id, trash)

    def trash(self) -> list[TrashRecord]:
        """What can be brought back, the newest first."""
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(_newest_first())]

    def trashed(self, name: str) -> TrashRecord:
        """The app of that name that was deleted last. Raises TrashUnknown."""
        with self._database.reading() as connection:
            row = connection.execute(_newest_first().where(tables.apps.c.name == name)).first()
            if row is None:
                raise TrashUnknown(name)
            return _record(row)

    def expired_trash(self, now: datetime) -> list[TrashRecord]:
        """Those whose time is over, the oldest first; ``forget_app`` ends them."""
        with self._database.reading() as connection:
            over = _newest_first().where(tables.trash.c.restorable_until <= now)
            return [_record(row) for row in connection.execute(over)][::-1]

    def restore_app(
        self,
        app_id: int,
        new_name: AppName,
        choose: ChoosePorts,
        automatic: Mapping[str, str] | None = None,
        by: str = "",
    ) -> App:
        """Bring an app back, under ``new_name`` and on new ports, with variables, releases and deployments.

        ``automatic`` are values to make anew (those which hold the name; a primary domain goes before); a variable
        that was removed, or that a person had set, stays as it is. Raises AppTaken, PortsExhausted, and TrashUnknown if
        it is not in the trash.
        """
        with self._database.writing() as connection:
            taken_out = connection.execute(delete(tables.trash).where(tables.trash.c.app_id == app_id))
            if taken_out.rowcount == 0:
                raise TrashUnknown(new_name)
            ports = ports_for(connection, new_name, choose)
            row = {"name": new_name, "first_port": ports.first, "deleted_at": None}
            connection.execute(update(tables.apps).where(tables.apps.c.id == app_id).values(row))
            take_back(connection, app_id)
            own = {HOST_VARIABLE: primary} if (primary := primary_of(connection, app_id)) else {}
            make_anew(connection, self._sealer, app_id, {**(automatic or {}), **own}, by)
            return living_app(connection, app_id)


def _put_into_trash(connection: Connection, app_id: int, trash: TrashRecord) -> None:
    if trash.app_id != app_id:
        raise InternalError(f"The app {app_id} was to be deleted as the app {trash.app_id}.")
    connection.execute(update(tables.apps).where(tables.apps.c.id == app_id).values(deleted_at=trash.deleted))
    _end_deployments(connection, app_id)
    row = {
        "app_id": app_id,
        "directory": trash.directory,
        "deleted": trash.deleted,
        "restorable_until": trash.restorable_until,
        "total_bytes": trash.total_bytes,
        "total_files": trash.total_files,
    }
    connection.execute(insert(tables.trash).values(row))


def _end_deployments(connection: Connection, app_id: int) -> None:
    """Both slots are stopped: nothing drains or stands by, and what waited would be stuck when the app comes back."""
    of_app = update(tables.deployments).where(tables.deployments.c.app_id == app_id)
    connection.execute(of_app.values(draining=False, standby_until=None))
    unfinished = of_app.where(tables.deployments.c.ended.is_(None))
    connection.execute(unfinished.values(status=Status.CANCELLED.value, ended=tables.now()))


def _newest_first() -> Select[Any]:
    # By the order of arrival: a clock that is set back must not bring back the wrong one of two.
    return (
        select(tables.trash, tables.apps.c.name)
        .join(tables.apps, tables.apps.c.id == tables.trash.c.app_id)
        .order_by(tables.trash.c.id.desc())
    )


def _record(row: Row[Any]) -> TrashRecord:
    return TrashRecord(
        app_id=row.app_id,
        name=AppName(row.name),
        directory=row.directory,
        deleted=row.deleted,
        restorable_until=row.restorable_until,
        total_bytes=row.total_bytes,
        total_files=row.total_files,
    )
