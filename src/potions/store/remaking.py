"""Automatic variables made anew, where what they say has changed and no person made them their own."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from potions.model.variable import VariableAct, VariableEvent
from potions.store import tables
from potions.store.sealing import Sealer, open_variable, seal_variable
from potions.store.variable_events import record


def make_anew(connection: Connection, sealer: Sealer, app_id: int, automatic: Mapping[str, str], by: str) -> list[str]:
    """Save these values where the variable still is automatic; the names of those that have another value now.

    One that a person has set or removed stays as it is. The history tells what ``by`` did.
    """
    remade = [name for name, value in sorted(automatic.items()) if _remake(connection, sealer, app_id, name, value)]
    if remade:
        record(connection, app_id, VariableEvent(tables.now(), by, VariableAct.REMADE, changed=remade))
    return remade


def _remake(connection: Connection, sealer: Sealer, app_id: int, name: str, value: str) -> bool:
    columns = tables.variables.c
    still_automatic = (columns.app_id == app_id, columns.name == name, columns.auto)
    sealed = connection.execute(select(columns.sealed).where(*still_automatic)).scalar()
    if sealed is None or open_variable(sealer, app_id, name, sealed) == value:
        return False
    anew = seal_variable(sealer, app_id, name, value)
    connection.execute(update(tables.variables).where(*still_automatic).values(sealed=anew))
    return True
