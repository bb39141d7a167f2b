"""Variables as they are saved now. What a deployment ran with is kept with the deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from potions.errors import UsageRefused, VariableUnknown
from potions.names import AppName
from potions.schema import VariablesChanged
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart
from potions.store.records import StoredVariable
from potions.store.sealing import Sealer, open_variable, seal_variable


class Variables(StorePart):
    """The saved variables of an app."""

    def variables(self, app_id: int) -> dict[str, StoredVariable]:
        """Name to value, by name. Empty for an app that is gone."""
        with self._database.reading() as connection:
            return _saved(connection, self._sealer, app_id)

    def change_variables(self, app_id: int, set: Mapping[str, str], unset: Iterable[str]) -> VariablesChanged:
        """Set and remove in one go. An automatic variable that is set is the person's own from then on.

        Raises VariableUnknown for a name in ``unset`` that the app does not have, UsageRefused for one in both,
        AppUnknown for an app that was deleted; then nothing changes.
        """
        removed = sorted({*unset})
        with self._database.writing() as connection:
            app = living_app(connection, app_id)
            saved = _saved(connection, self._sealer, app_id)
            _refuse_unknown(app.name, removed, saved)
            _refuse_both(removed, set)
            changed = _difference(saved, set, removed)
            for name in [*changed.added, *changed.changed]:
                _save(connection, app_id, name, seal_variable(self._sealer, app_id, name, set[name]))
            for name in removed:
                _remove(connection, app_id, name)
            return changed


def _saved(connection: Connection, sealer: Sealer, app_id: int) -> dict[str, StoredVariable]:
    columns = tables.variables.c
    rows = connection.execute(select(tables.variables).where(columns.app_id == app_id).order_by(columns.name))
    return {row.name: StoredVariable(open_variable(sealer, app_id, row.name, row.sealed), row.auto) for row in rows}


def _refuse_unknown(app: AppName, unset: list[str], saved: Mapping[str, StoredVariable]) -> None:
    unknown = [name for name in unset if name not in saved]
    if not unknown:
        return
    close = get_close_matches(unknown[0], saved)
    raise VariableUnknown(
        f"{app} has no variable called {', '.join(unknown)}.",
        why=f"Did you mean {', '.join(close)}?" if close else "",
        do=f"See them with: potions env list {app}. Nothing was changed.",
    )


def _refuse_both(unset: list[str], set: Mapping[str, str]) -> None:
    both = [name for name in unset if name in set]
    if both:
        raise UsageRefused(
            f"{', '.join(both)} cannot be set and removed at once.", do="Do one of the two. Nothing was changed."
        )


def _difference(saved: Mapping[str, StoredVariable], set: Mapping[str, str], removed: list[str]) -> VariablesChanged:
    same = {name for name, value in set.items() if saved.get(name) == StoredVariable(value, auto=False)}
    return VariablesChanged(
        added=sorted(name for name in set if name not in saved),
        changed=sorted(name for name in set if name in saved and name not in same),
        removed=removed,
        unchanged=sorted(same),
    )


def _save(connection: Connection, app_id: int, name: str, sealed: bytes) -> None:
    row = {"app_id": app_id, "name": name, "sealed": sealed, "auto": False}
    put = insert(tables.variables).values(row)
    connection.execute(put.on_conflict_do_update(set_={"sealed": sealed, "auto": False}))


def _remove(connection: Connection, app_id: int, name: str) -> None:
    columns = tables.variables.c
    connection.execute(delete(tables.variables).where(columns.app_id == app_id, columns.name == name))
