"""Variables of an app."""

from __future__ import annotations

from litestar import Controller, get, patch

from potions.schema import Variable, VariablesChange, VariablesChanged
from potions.service import Service


class VariableController(Controller):
    """What an app finds in its environment."""

    path = "/apps/{name:str}/variables"
    tags = ("variables",)

    @get(sync_to_thread=True, summary="Every variable; values only with reveal")
    def all(self, service: Service, name: str, reveal: bool = False) -> list[Variable]:
        return service.variables.variables(name, reveal=reveal)

    @patch(sync_to_thread=True, summary="Set and remove variables, all of it or nothing")
    def change(self, service: Service, name: str, data: VariablesChange) -> VariablesChanged:
        return service.variables.change(name, data)
