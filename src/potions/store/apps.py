"""Apps: their names, their ports, and whether they are stopped."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from potions.errors import AppTaken, AppUnknown, InternalError, PortsExhausted
from potions.model.app import App, Ports
from potions.model.variable import VariableAct, VariableEvent
from potions.names import AppName
from potions.store import tables
from potions.store.database import StorePart
from potions.store.records import ChoosePorts
from potions.store.sealing import seal_variable
from potions.store.variable_events import record


class Apps(StorePart):
    """The apps that are not deleted."""

    def create_app(self, name: AppName, choose: ChoosePorts, automatic: Mapping[str, str], by: str = "") -> App:
        """Remember a new app with its ports and its automatic variables. Raises AppTaken, PortsExhausted."""
        with self._database.writing() as connection:
            app_id = _insert(connection, name, ports_for(connection, name, choose))
            for variable, value in automatic.items():
                sealed = seal_variable(self._sealer, app_id, variable, value)
                row = {"app_id": app_id, "name": variable, "sealed": sealed, "auto": True}
                connection.execute(insert(tables.variables).values(row))
            record(connection, app_id, VariableEvent(tables.now(), by, VariableAct.CREATED, added=sorted(automatic)))
            return living_app(connection, app_id)

    def app(self, name: str) -> App:
        """The app of that name. Raises AppUnknown, with the names that look like it."""
        with self._database.reading() as connection:
            row = connection.execute(_living().where(tables.apps.c.name == name)).first()
            if row is None:
                raise AppUnknown(name, get_close_matches(name, _names(connection)))
            return _app(row)

    def apps(self) -> list[App]:
        """All of them, by name."""
        with self._database.reading() as connection:
            return [_app(row) for row in connection.execute(_living().order_by(tables.apps.c.name))]

    def set_stopped(self, app_id: int, stopped: bool) -> None:
        """Remember whether a person stopped the app. Raises AppUnknown for one that was deleted."""
        with self._database.writing() as connection:
            living_app(connection, app_id)
            connection.execute(update(tables.apps).where(tables.apps.c.id == app_id).values(stopped=stopped))

    def forget_app(self, app_id: int) -> None:
        """Remove every row of an app, deleted or not. Nothing happens if there is none any more."""
        with self._database.writing() as connection:
            remove_app(connection, app_id)


def living_app(connection: Connection, app_id: int) -> App:
    """The app of that id; raises AppUnknown for one that was deleted, InternalError for one that never was."""
    row = connection.execute(select(tables.apps).where(tables.apps.c.id == app_id)).first()
    if row is None:
        raise InternalError(f"The store has no app with the id {app_id}.", why="It was purged, or never was.")
    if row.deleted_at is not None:
        raise AppUnknown(row.name)
    return _app(row)


def ports_for(connection: Connection, name: AppName, choose: ChoosePorts) -> Ports:
    """A pair of ports for an app of that name. Raises AppTaken, PortsExhausted."""
    living = connection.execute(_living()).all()
    if any(row.name == name for row in living):
        raise AppTaken(name)
    ports = choose({row.first_port for row in living})
    if ports is None:
        raise PortsExhausted(
            f"There is no pair of ports left for {name}.",
            why="Each one belongs to an app, or another program listens on it.",
            do="Delete an app that nobody needs (potions apps delete APP), or start Potions with a lower --first-port.",
        )
    return ports


def remove_app(connection: Connection, app_id: int) -> None:
    """Variables, releases, deployments and what is in the trash go with the app's own row."""
    connection.execute(delete(tables.apps).where(tables.apps.c.id == app_id))


def _insert(connection: Connection, name: AppName, ports: Ports) -> int:
    row = {"name": name, "first_port": ports.first, "created": tables.now(), "stopped": False}
    key = connection.execute(insert(tables.apps).values(row)).inserted_primary_key
    return int(key[0]) if key else 0


def _living() -> Select[Any]:
    return select(tables.apps).where(tables.apps.c.deleted_at.is_(None))


def _names(connection: Connection) -> list[str]:
    return [row.name for row in connection.execute(_living())]


def _app(row: Row[Any]) -> App:
    return App(
        id=row.id,
        name=AppName(row.name),
        ports=Ports(row.first_port),
        created=row.created,
        stopped=row.stopped,
    )
