"""What the agent is asked about variables."""

from __future__ import annotations

from potions.client.wire import Wire, app_path, segment
from potions.schema import DotenvText, Variable, VariableEvent, VariablesChange, VariablesChanged


class VariableCalls(Wire):
    """Variables of an app. Whoever asks for values stands in the history."""

    def variables(self, app: str, *, reveal: bool = False) -> list[Variable]:
        return self._get(f"{app_path(app)}/variables", list[Variable], reveal=reveal)

    def variable(self, app: str, name: str) -> Variable:
        """One variable, with its value."""
        return self._get(f"{app_path(app)}/variables/named/{segment(name)}", Variable)

    def change_variables(self, app: str, change: VariablesChange) -> VariablesChanged:
        return self._write("PATCH", f"{app_path(app)}/variables", VariablesChanged, change)

    def preview_variables(self, app: str, change: VariablesChange) -> VariablesChanged:
        """What a change would do."""
        return self._write("POST", f"{app_path(app)}/variables/preview", VariablesChanged, change)

    def export_variables(self, app: str, *, automatic: bool = False) -> DotenvText:
        """The saved ones as a ``.env`` file; those that Potions made only with ``automatic``."""
        return self._get(f"{app_path(app)}/variables/export", DotenvText, automatic=automatic)

    def variable_history(self, app: str, *, limit: int = 50, name: str | None = None) -> list[VariableEvent]:
        """Who did what, the newest first."""
        about = {} if name is None else {"variable": name}
        return self._get(f"{app_path(app)}/variables/history", list[VariableEvent], limit=limit, **about)
