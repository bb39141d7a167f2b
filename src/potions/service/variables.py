"""Variables: shown with their badges, changed wholly or not at all. A change never touches what runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from potions.dotenv import format_dotenv, parse_dotenv, read_differently
from potions.errors import UsageRefused
from potions.model.app import App
from potions.model.variable import Liveness, Variable, VariableAct, VariableEvent
from potions.model.variables import differences
from potions.names import LOCKED_VARIABLES, parse_env_name, parse_env_value
from potions.schema import DotenvText, VariablesChange, VariablesChanged
from potions.service.context import Context
from potions.store.variables import unknown_variable

_log = logging.getLogger(__name__)

#: The locked ones as people read them: the storage first.
_LOCKED = sorted(LOCKED_VARIABLES, reverse=True)


class VariableService:
    """What may be asked about the variables of an app. Nobody sees a value without standing in the history for it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # Looking

    def hidden(self, name: str) -> list[Variable]:
        """Every variable: the locked ones first, then by name. Without values, but for the locked ones'."""
        app = self._context.app(name)
        hidden = (msgspec.structs.replace(variable, value=None) for variable in self._saved(app))
        return [*self._locked(app), *hidden]

    def revealed(self, name: str, by: str) -> list[Variable]:
        """The same with the values, which ``by`` is told."""
        app = self._context.app(name)
        saved = list(self._saved(app))
        self._remember_look(app, by, VariableAct.REVEALED, [variable.name for variable in saved])
        return [*self._locked(app), *saved]

    def variable(self, name: str, variable: str, by: str) -> Variable:
        """One variable as it is saved, with its value. Raises VariableUnknown."""
        app = self._context.app(name)
        if variable in LOCKED_VARIABLES:
            return next(locked for locked in self._locked(app) if locked.name == variable)
        saved = {one.name: one for one in self._saved(app) if one.liveness is not Liveness.REMOVED}
        if variable not in saved:
            raise unknown_variable(app.name, [variable[:60]], saved)
        self._remember_look(app, by, VariableAct.REVEALED, [variable])
        return saved[variable]

    def export(self, name: str, by: str, *, automatic: bool) -> DotenvText:
        """The saved variables as a ``.env`` file. The locked ones are in no file: an import refuses them."""
        app = self._context.app(name)
        saved = self._context.store.variables(app.id)
        values = {key: kept.value for key, kept in saved.items() if automatic or not kept.auto}
        left_out = [key for key in saved if key not in values]
        self._remember_look(app, by, VariableAct.EXPORTED, values)
        text = format_dotenv(values, _notes(app, values, left_out))
        return DotenvText(text, names=list(values), left_out=[*left_out, *_LOCKED])

    def history(self, name: str, limit: int, variable: str | None) -> list[VariableEvent]:
        """Who did what, the newest first; with ``variable`` what is about that one."""
        return self._context.store.variable_history(self._context.app(name).id, limit, variable)

    # Changing

    def change(self, name: str, change: VariablesChange, by: str) -> VariablesChanged:
        """Set and remove, all of it or nothing.

        Raises ReservedVariable for what only the platform sets, PreviewOutdated, and AppDirectoryGone: what is saved
        for an app that is made anew next would be lost without a word.
        """
        app, _ = self._context.present(name)
        wanted = _parse(change)
        changed = self._context.store.change_variables(
            app.id,
            wanted.set,
            wanted.unset,
            by=by,
            imported=wanted.imported,
            replace=change.replace,
            version=change.version,
        )
        return _with_locked(changed)

    def preview(self, name: str, change: VariablesChange) -> VariablesChanged:
        """What ``change`` would do now. Raises the same."""
        app, _ = self._context.present(name)
        wanted = _parse(change)
        changed = self._context.store.preview_variables(
            app.id, wanted.set, wanted.unset, imported=wanted.imported, replace=change.replace
        )
        return _with_locked(changed)

    def count_not_live(self, app: App) -> int:
        """How many are saved and not live, or removed and still live."""
        return sum(variable.liveness is not Liveness.LIVE for variable in self._saved(app))

    # Steps of the above

    def _saved(self, app: App) -> Iterable[Variable]:
        saved = self._context.store.variables(app.id)
        live, live_automatic = self._live(app)
        liveness = differences({key: variable.value for key, variable in saved.items()}, live)
        for key, state in liveness.items():
            kept = saved.get(key)
            yield Variable(
                name=key,
                value=kept.value if kept else live[key],
                auto=kept.auto if kept else key in live_automatic,
                locked=False,
                liveness=state,
            )

    def _live(self, app: App) -> tuple[dict[str, str], set[str]]:
        """What the live slot runs with. While nothing runs, nothing is live."""
        if self._context.is_gone(app):
            return {}, set()
        serving = self._context.live_deployment(app)
        return self._context.store.environment_of(serving.id) if serving else ({}, set())

    def _locked(self, app: App) -> Iterable[Variable]:
        tree = self._context.tree(app)
        blue, green = app.ports.both
        values = {"STORAGE_DIR": str(tree.storage), "PORT": f"{blue} (blue), {green} (green)"}
        for key in _LOCKED:
            yield Variable(name=key, value=values[key], auto=True, locked=True, liveness=Liveness.LIVE)

    def _remember_look(self, app: App, by: str, act: VariableAct, names: Iterable[str]) -> None:
        """Before the answer: what the history cannot take, nobody is told."""
        seen = sorted(names)
        if seen and self._context.store.record_look(app.id, by, act, seen):
            _log.info("%s %s %s of %s", by, act, ", ".join(seen), app.name)


class _Parsed(NamedTuple):
    """A change whose names and values are in order."""

    set: dict[str, str]
    unset: list[str]
    imported: bool


def _parse(change: VariablesChange) -> _Parsed:
    wanted = {str(parse_env_name(key)): parse_env_value(key, value) for key, value in change.set.items()}
    unset = [str(parse_env_name(key)) for key in change.unset]
    if change.dotenv is None:
        if change.replace:
            raise UsageRefused("Only the text of a .env file can replace the variables there are.")
        return _Parsed(wanted, unset, imported=False)
    if wanted:
        raise UsageRefused("Variables come either one by one or as the text of a .env file, not both.")
    wanted = parse_dotenv(change.dotenv)
    if change.replace and not wanted:
        # What a pipe brings whose first half failed.
        raise UsageRefused(
            "There is no variable in the file; nothing was changed.",
            why="To replace with nothing would remove every variable that was set.",
            do="If that is meant, remove them by name: potions env unset APP NAME",
        )
    return _Parsed(wanted, unset, imported=True)


def _with_locked(changed: VariablesChanged) -> VariablesChanged:
    """No change reaches the locked ones, and whoever asks what is left alone is told so."""
    return msgspec.structs.replace(changed, kept=[*changed.kept, *_LOCKED])


def _notes(app: App, values: dict[str, str], left_out: list[str]) -> Iterable[str]:
    """What an export says about itself."""
    yield f"Variables of {app.name}, exported by Potions. Whoever has this file has their values."
    if left_out:
        yield f"Left out, because Potions makes them for each app: {', '.join(left_out)} (with --all they are in it)"
    yield f"Left out always, because they are locked: {', '.join(_LOCKED)}"
    differently = read_differently(values)
    if differently:
        yield f"Potions reads these as they were; some other programs do not: {', '.join(differently)}"
