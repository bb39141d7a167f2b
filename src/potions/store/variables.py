"""Variables as they are saved now. What a deployment ran with is kept with the deployment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from potions.errors import PreviewOutdated, UsageRefused, VariableUnknown
from potions.model.app import App
from potions.model.variable import VariableAct, VariableEvent
from potions.names import AppName
from potions.schema import VariablesChanged
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart
from potions.store.records import StoredVariable
from potions.store.sealing import Sealer, open_variable, seal_variable
from potions.store.variable_events import record


class Variables(StorePart):
    """The saved variables of an app."""

    def variables(self, app_id: int) -> dict[str, StoredVariable]:
        """Name to value, by name. Empty for an app that is gone."""
        with self._database.reading() as connection:
            return _opened(_rows(connection, app_id), self._sealer, app_id)

    def change_variables(
        self,
        app_id: int,
        set: Mapping[str, str],
        unset: Iterable[str] = (),
        *,
        by: str = "",
        imported: bool = False,
        replace: bool = False,
        version: str = "",
    ) -> VariablesChanged:
        """Set and remove in one go, and write into the history that ``by`` did.

        An automatic variable that is set is the person's own from then on; where it is ``imported`` with the value it
        has, it stays what it is. ``replace`` also removes what is neither automatic nor in ``set``. ``version`` is
        that of a preview.

        Raises VariableUnknown for a name in ``unset`` that the app does not have, UsageRefused for one in both,
        PreviewOutdated where the variables have another version by now, AppUnknown for an app that was deleted; then
        nothing changes.
        """
        wanted = _Wanted(set, sorted({*unset}), imported, replace)
        with self._database.writing() as connection:
            app = living_app(connection, app_id)
            changed = _judge(connection, self._sealer, app, wanted)
            if version and version != changed.version:
                raise PreviewOutdated(app.name)
            for name in [*changed.added, *changed.changed]:
                _save(connection, app_id, name, seal_variable(self._sealer, app_id, name, set[name]))
            for name in changed.removed:
                _remove(connection, app_id, name)
            if changed.is_empty:
                return changed
            record(connection, app_id, _event(wanted, changed, by))
            return msgspec.structs.replace(changed, version=_version(_rows(connection, app_id)))

    def preview_variables(
        self,
        app_id: int,
        set: Mapping[str, str],
        unset: Iterable[str] = (),
        *,
        imported: bool = False,
        replace: bool = False,
    ) -> VariablesChanged:
        """What ``change_variables`` would do now, and the version it would do it to. Raises what that raises."""
        wanted = _Wanted(set, sorted({*unset}), imported, replace)
        with self._database.reading() as connection:
            return _judge(connection, self._sealer, living_app(connection, app_id), wanted)


def unknown_variable(app: AppName, names: Sequence[str], known: Iterable[str]) -> VariableUnknown:
    """The error for names that an app does not have, with those that look like the first."""
    close = get_close_matches(names[0], list(known))
    return VariableUnknown(
        f"{app} has no variable called {', '.join(names)}.",
        why=f"Did you mean {', '.join(close)}?" if close else "",
        do=f"See them with: potions env list {app}",
    )


class _Wanted(msgspec.Struct, frozen=True):
    """What somebody asks for, as ``change_variables`` describes it."""

    set: Mapping[str, str]
    unset: Sequence[str]
    imported: bool
    replace: bool

    def __repr__(self) -> str:
        return f"_Wanted({sorted(self.set)}, {self.unset})"


def _rows(connection: Connection, app_id: int) -> Sequence[Row[Any]]:
    columns = tables.variables.c
    return connection.execute(select(tables.variables).where(columns.app_id == app_id).order_by(columns.name)).all()


def _opened(rows: Iterable[Row[Any]], sealer: Sealer, app_id: int) -> dict[str, StoredVariable]:
    return {row.name: StoredVariable(open_variable(sealer, app_id, row.name, row.sealed), row.auto) for row in rows}


def _version(rows: Iterable[Row[Any]]) -> str:
    """One text for one state. A value is sealed differently each time, so that the text tells nothing about it."""
    state = [(row.name, row.auto, row.sealed) for row in rows]
    return hashlib.sha256(msgspec.msgpack.encode(state)).hexdigest()


def _judge(connection: Connection, sealer: Sealer, app: App, wanted: _Wanted) -> VariablesChanged:
    rows = _rows(connection, app.id)
    saved = _opened(rows, sealer, app.id)
    _refuse_unknown(app.name, wanted.unset, saved)
    _refuse_both(wanted.unset, wanted.set)
    return _difference(saved, wanted, _version(rows))


def _refuse_unknown(app: AppName, unset: Sequence[str], saved: Mapping[str, StoredVariable]) -> None:
    unknown = [name for name in unset if name not in saved]
    if unknown:
        error = unknown_variable(app, unknown, saved)
        error.do += ". Nothing was changed."
        raise error


def _refuse_both(unset: Sequence[str], set: Mapping[str, str]) -> None:
    both = [name for name in unset if name in set]
    if both:
        raise UsageRefused(
            f"{', '.join(both)} cannot be set and removed at once.", do="Do one of the two. Nothing was changed."
        )


def _difference(saved: Mapping[str, StoredVariable], wanted: _Wanted, version: str) -> VariablesChanged:
    removed = {*wanted.unset, *(_replaced(saved, wanted) if wanted.replace else ())}
    same = {name for name, value in wanted.set.items() if name in saved and _is_same(saved[name], value, wanted)}
    return VariablesChanged(
        added=sorted(name for name in wanted.set if name not in saved),
        changed=sorted(name for name in wanted.set if name in saved and name not in same),
        removed=sorted(removed),
        unchanged=sorted(same),
        kept=sorted(name for name in saved if name not in wanted.set and name not in removed),
        version=version,
    )


def _replaced(saved: Mapping[str, StoredVariable], wanted: _Wanted) -> Iterable[str]:
    """Not the automatic ones: an export leaves them out, and an app without its SECRET_KEY_BASE does not start."""
    return (name for name, kept in saved.items() if not kept.auto and name not in wanted.set)


def _is_same(kept: StoredVariable, value: str, wanted: _Wanted) -> bool:
    return kept.value == value and (wanted.imported or not kept.auto)


def _event(wanted: _Wanted, changed: VariablesChanged, by: str) -> VariableEvent:
    act = VariableAct.SET if wanted.set else VariableAct.UNSET
    if wanted.imported:
        act = VariableAct.IMPORTED
    return VariableEvent(tables.now(), by, act, added=changed.added, changed=changed.changed, removed=changed.removed)


def _save(connection: Connection, app_id: int, name: str, sealed: bytes) -> None:
    row = {"app_id": app_id, "name": name, "sealed": sealed, "auto": False}
    put = insert(tables.variables).values(row)
    connection.execute(put.on_conflict_do_update(set_={"sealed": sealed, "auto": False}))


def _remove(connection: Connection, app_id: int, name: str) -> None:
    columns = tables.variables.c
    connection.execute(delete(tables.variables).where(columns.app_id == app_id, columns.name == name))
