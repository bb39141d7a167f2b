"""Variables of an app."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Request, get, patch, post
from litestar.params import Parameter

from potions.agent.api.apps import caller
from potions.schema import DotenvText, Variable, VariableEvent, VariablesChange, VariablesChanged
from potions.service import Service


class VariableController(Controller):
    """What an app finds in its environment."""

    path = "/apps/{name:str}/variables"
    tags = ("variables",)

    @get(sync_to_thread=True, summary="Every variable; values only with reveal")
    def all(self, request: Request, service: Service, name: str, reveal: bool = False) -> list[Variable]:  # type: ignore[type-arg]
        return service.variables.revealed(name, caller(request)) if reveal else service.variables.hidden(name)

    # Not beside the others: a variable may be called ``history``.
    @get("/named/{variable:str}", sync_to_thread=True, summary="One variable, with its value")
    def one(self, request: Request, service: Service, name: str, variable: str) -> Variable:  # type: ignore[type-arg]
        return service.variables.variable(name, variable, caller(request))

    @patch(sync_to_thread=True, summary="Set and remove variables, all of it or nothing")
    def change(self, request: Request, service: Service, name: str, data: VariablesChange) -> VariablesChanged:  # type: ignore[type-arg]
        return service.variables.change(name, data, caller(request))

    @post("/preview", sync_to_thread=True, status_code=200, summary="What such a change would do")
    def preview(self, service: Service, name: str, data: VariablesChange) -> VariablesChanged:
        return service.variables.preview(name, data)

    @get("/export", sync_to_thread=True, summary="The saved variables as a .env file")
    def export(self, request: Request, service: Service, name: str, automatic: bool = False) -> DotenvText:  # type: ignore[type-arg]
        return service.variables.export(name, caller(request), automatic=automatic)

    @get("/history", sync_to_thread=True, summary="Who did what to the variables, the newest first")
    def history(
        self,
        service: Service,
        name: str,
        limit: Annotated[int, Parameter(ge=1, le=10_000)] = 50,
        variable: str | None = None,
    ) -> list[VariableEvent]:
        return service.variables.history(name, limit, variable)
