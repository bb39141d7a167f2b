"""Variables of an app."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from potions.agent.api.handed import AgentRequest, Asked, caller
from potions.schema import DotenvText, Variable, VariableEvent, VariablesChange, VariablesChanged


class VariableController(Controller):
    """What an app finds in its environment."""

    path = "/apps/{name:str}/variables"
    tags = ("variables",)

    @get(sync_to_thread=True, summary="Every variable; values only with reveal")
    def all(
        self, request: AgentRequest, service: Asked, name: FromPath[str], reveal: FromQuery[bool] = False
    ) -> list[Variable]:
        return service.variables.revealed(name, caller(request)) if reveal else service.variables.hidden(name)

    # Not beside the others: a variable may be called ``history``.
    @get("/named/{variable:str}", sync_to_thread=True, summary="One variable, with its value")
    def one(self, request: AgentRequest, service: Asked, name: FromPath[str], variable: FromPath[str]) -> Variable:
        return service.variables.variable(name, variable, caller(request))

    @patch(sync_to_thread=True, summary="Set and remove variables, all of it or nothing")
    def change(
        self, request: AgentRequest, service: Asked, name: FromPath[str], data: JSONBody[VariablesChange]
    ) -> VariablesChanged:
        return service.variables.change(name, data, caller(request))

    @post("/preview", sync_to_thread=True, status_code=200, summary="What such a change would do")
    def preview(self, service: Asked, name: FromPath[str], data: JSONBody[VariablesChange]) -> VariablesChanged:
        return service.variables.preview(name, data)

    @get("/export", sync_to_thread=True, summary="The saved variables as a .env file")
    def export(
        self, request: AgentRequest, service: Asked, name: FromPath[str], automatic: FromQuery[bool] = False
    ) -> DotenvText:
        return service.variables.export(name, caller(request), automatic=automatic)

    @get("/history", sync_to_thread=True, summary="Who did what to the variables, the newest first")
    def history(
        self,
        service: Asked,
        name: FromPath[str],
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 50,
        variable: FromQuery[str | None] = None,
    ) -> list[VariableEvent]:
        return service.variables.history(name, limit, variable)
