"""What the agent is asked about variables."""

from __future__ import annotations

from potions.client.wire import Wire, app_path
from potions.schema import Variable, VariablesChange, VariablesChanged


class VariableCalls(Wire):
    """Variables of an app."""

    def variables(self, app: str, *, reveal: bool = False) -> list[Variable]:
        return self._get(f"{app_path(app)}/variables", list[Variable], reveal=reveal)

    def change_variables(self, app: str, change: VariablesChange) -> VariablesChanged:
        return self._write("PATCH", f"{app_path(app)}/variables", VariablesChanged, change)
