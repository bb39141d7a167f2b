"""Variables of an app."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from potions.agent.api.handed import AgentRequest, Asked, caller
from potions.agent.audit import noted
from potions.model.access import Needs
from potions.schema import DotenvText, Variable, VariableEvent, VariablesChange, VariablesChanged


class VariableController(Controller):
    """What an app finds in its environment."""

    path = "/apps/{name:str}/variables"
    tags = ("variables",)

    @get(
        sync_to_thread=True,
        needs=Needs.VIEWER,
        flag="reveal",
        act="reveal variables",
        summary="Every variable; values only with reveal",
    )
    def all(
        self, request: AgentRequest, service: Asked, name: FromPath[str], reveal: FromQuery[bool] = False
    ) -> list[Variable]:
        return service.variables.revealed(name, caller(request)) if reveal else service.variables.hidden(name)

    # Not beside the others: a variable may be called ``history``.
    @get(
        "/named/{variable:str}",
        sync_to_thread=True,
        needs=Needs.DEPLOYER,
        act="reveal variable",
        summary="One variable, with its value",
    )
    def one(self, request: AgentRequest, service: Asked, name: FromPath[str], variable: FromPath[str]) -> Variable:
        return service.variables.variable(name, variable, caller(request))

    @patch(
        sync_to_thread=True,
        needs=Needs.DEPLOYER,
        act="change variables",
        summary="Set and remove variables, all of it or nothing",
    )
    def change(
        self, request: AgentRequest, service: Asked, name: FromPath[str], data: JSONBody[VariablesChange]
    ) -> VariablesChanged:
        changed = service.variables.change(name, data, caller(request))
        noted(request).detail = _words(changed)
        return changed

    @post("/preview", sync_to_thread=True, status_code=200, needs=Needs.DEPLOYER, summary="What such a change would do")
    def preview(self, service: Asked, name: FromPath[str], data: JSONBody[VariablesChange]) -> VariablesChanged:
        return service.variables.preview(name, data)

    @get(
        "/export",
        sync_to_thread=True,
        needs=Needs.DEPLOYER,
        act="export variables",
        summary="The saved variables as a .env file",
    )
    def export(
        self, request: AgentRequest, service: Asked, name: FromPath[str], automatic: FromQuery[bool] = False
    ) -> DotenvText:
        return service.variables.export(name, caller(request), automatic=automatic)

    @get("/history", sync_to_thread=True, needs=Needs.VIEWER, summary="Who did what to the variables, the newest first")
    def history(
        self,
        service: Asked,
        name: FromPath[str],
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 50,
        variable: FromQuery[str | None] = None,
    ) -> list[VariableEvent]:
        return service.variables.history(name, limit, variable)


def _words(changed: VariablesChanged) -> str:
    """``added A, B; removed C``. Names only."""
    told = (("added", changed.added), ("changed", changed.changed), ("removed", changed.removed))
    return "; ".join(f"{what} {', '.join(names)}" for what, names in told if names)
