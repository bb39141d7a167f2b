"""Variables: shown with their badges, changed wholly or not at all. A change never touches what runs."""

from __future__ import annotations

from collections.abc import Iterable

from potions.dotenv import parse_dotenv
from potions.errors import UsageRefused
from potions.model.app import App
from potions.model.variable import Liveness, Variable
from potions.model.variables import differences
from potions.names import LOCKED_VARIABLES, parse_env_name, parse_env_value
from potions.schema import VariablesChange, VariablesChanged
from potions.service.context import Context


class VariableService:
    """What may be asked about the variables of an app."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def variables(self, name: str, *, reveal: bool) -> list[Variable]:
        """Every variable: the locked ones first, then by name. Values only where ``reveal`` says so."""
        app = self._context.app(name)
        return [*self._locked(app), *self._saved(app, reveal=reveal)]

    def change(self, name: str, change: VariablesChange) -> VariablesChanged:
        """Set and remove, all of it or nothing.

        Raises ReservedVariable for what only the platform sets, and AppDirectoryGone: what is saved for an app that is
        made anew next would be lost without a word.
        """
        app, _ = self._context.present(name)
        wanted = {str(parse_env_name(key)): parse_env_value(key, value) for key, value in change.set.items()}
        if change.dotenv is not None:
            if wanted:
                raise UsageRefused("Variables come either one by one or as the text of a .env file, not both.")
            wanted = parse_dotenv(change.dotenv)
        unset = [str(parse_env_name(key)) for key in change.unset]
        return self._context.store.change_variables(app.id, wanted, unset)

    def count_not_live(self, app: App) -> int:
        """How many are saved and not live, or removed and still live."""
        return sum(variable.liveness is not Liveness.LIVE for variable in self._saved(app, reveal=False))

    def _saved(self, app: App, *, reveal: bool) -> Iterable[Variable]:
        saved = self._context.store.variables(app.id)
        live, live_automatic = self._live(app)
        liveness = differences({key: variable.value for key, variable in saved.items()}, live)
        for key, state in liveness.items():
            kept = saved.get(key)
            yield Variable(
                name=key,
                value=(kept.value if kept else live[key]) if reveal else None,
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
        for key in sorted(LOCKED_VARIABLES, reverse=True):
            yield Variable(name=key, value=values[key], auto=True, locked=True, liveness=Liveness.LIVE)
