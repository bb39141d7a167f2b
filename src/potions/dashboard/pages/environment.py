"""The Environment tab: the table of variables, one of them shown, added, changed or removed; the history."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.variables import NAMES_SHOWN, field_for, not_live, shown, value_from
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError, UsageRefused, VariableRefused, VariableUnknown
from potions.names import parse_env_name
from potions.schema import Liveness, Role, Variable, VariablesChange

_HISTORY = 30


class EnvironmentPages(Controller):
    """What the app finds in its environment."""

    path = "/apps/{name:str}/environment"

    @get(sync_to_thread=True)
    def all(self, visit: Visited, name: FromPath[str]) -> Template:
        return _table(visit, name)

    @post("/export", sync_to_thread=True)
    def export(self, visit: Visited, name: FromPath[str], data: Form) -> Response[str]:
        """The saved variables as a file. The history tells who had it."""
        found = visit.agent.export_variables(name, automatic="automatic" in data)
        return Response(
            found.text,
            media_type="text/plain",
            status_code=200,
            headers={"Content-Disposition": f'attachment; filename="{name}.env"', "Cache-Control": "no-store"},
        )

    # One of them. Not beside the others: a variable may be called ``paste``.

    @post("/add", sync_to_thread=True, large_form=True)
    def add(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        variable, value = text(data, "name"), value_from(data.get("value", ""))
        try:
            _refuse_nothing(variable, value, data)
            _add(visit, name, variable, value)
        except PotionsError as refused:
            return _table(visit, name, refused=refused, typed_name=variable, typed_value=value)
        return visit.go(f"/apps/{name}/environment", f"{variable} is saved. {_LIVE_LATER}")

    @post("/named/{variable:str}/reveal", sync_to_thread=True)
    def reveal(self, visit: Visited, name: FromPath[str], variable: FromPath[str]) -> Template:
        """The table with this value in it. The history tells who asked."""
        return _table(visit, name, revealed=visit.agent.variable(name, variable))

    @get("/named/{variable:str}/edit", sync_to_thread=True, needs=Role.DEPLOYER)
    def edit(self, visit: Visited, name: FromPath[str], variable: FromPath[str]) -> Template:
        return _form(visit, name, variable)

    @post("/named/{variable:str}/edit/saved", sync_to_thread=True)
    def edit_saved(self, visit: Visited, name: FromPath[str], variable: FromPath[str]) -> Template:
        """The form with the value that is saved. The history tells who asked."""
        value = visit.agent.variable(name, variable).value or ""
        if "\r" in value:
            refused = VariableRefused(
                f"The value of {variable} has carriage returns, which a page cannot give back as they are.",
                do=f"Change it with: potions env set {name} {variable}",
            )
            return _form(visit, name, variable, refused=refused)
        return _form(visit, name, variable, typed=value)

    @post("/named/{variable:str}/edit", sync_to_thread=True, large_form=True)
    def save(self, visit: Visited, name: FromPath[str], variable: FromPath[str], data: Form) -> Template | Redirect:
        value = value_from(data.get("value", ""))
        try:
            _refuse_nothing(variable, value, data)
            changed = visit.agent.change_variables(name, VariablesChange(set={variable: value}))
        except PotionsError as refused:
            return _form(visit, name, variable, refused=refused, typed=value)
        said = f"{variable} has that value already." if changed.is_empty else f"{variable} is saved. {_LIVE_LATER}"
        return visit.go(f"/apps/{name}/environment", said)

    @get("/named/{variable:str}/remove", sync_to_thread=True, needs=Role.DEPLOYER)
    def ask_to_remove(self, visit: Visited, name: FromPath[str], variable: FromPath[str]) -> Template:
        found = _saved(visit, name, variable)
        return visit.tab("environment", name, "app/variable_remove.html", variable=found)

    @post("/named/{variable:str}/remove", sync_to_thread=True)
    def remove(self, visit: Visited, name: FromPath[str], variable: FromPath[str]) -> Redirect:
        visit.agent.change_variables(name, VariablesChange(unset=[variable]))
        return visit.go(f"/apps/{name}/environment", f"{variable} is removed. {_LIVE_LATER}")


_LIVE_LATER = "What runs keeps what it has until the next deploy."


def _table(
    visit: Visit,
    name: str,
    *,
    revealed: Variable | None = None,
    refused: PotionsError | None = None,
    typed_name: str = "",
    typed_value: str = "",
) -> Template:
    found = visit.agent.variables(name)
    return visit.tab(
        "environment",
        name,
        "app/environment.html",
        status=200 if refused is None else refused.http_status,
        variables=shown(found, revealed),
        revealed="" if revealed is None else revealed.name,
        not_live=not_live(found),
        serves=visit.agent.app(name).summary.serves,
        history=visit.agent.variable_history(name, limit=_HISTORY),
        names_shown=NAMES_SHOWN,
        refused=refused,
        typed_name=typed_name,
        typed_value=field_for(typed_value),
    )


def _form(visit: Visit, name: str, variable: str, *, refused: PotionsError | None = None, typed: str = "") -> Template:
    return visit.tab(
        "environment",
        name,
        "app/variable_edit.html",
        status=200 if refused is None else refused.http_status,
        variable=_saved(visit, name, variable),
        refused=refused,
        typed=field_for(typed),
    )


def _saved(visit: Visit, name: str, variable: str) -> Variable:
    """The variable without its value; raises ReservedVariable for a locked one, and VariableUnknown."""
    wanted = parse_env_name(variable)
    for one in visit.agent.variables(name):
        if one.name == wanted and one.liveness is not Liveness.REMOVED:
            return one
    raise VariableUnknown(f"{name} has no variable {wanted}.", do="Somebody may have removed it: look at the table.")


def _refuse_nothing(variable: str, value: str, data: dict[str, str]) -> None:
    """Raise UsageRefused for a field that was left empty, unless that is said to be meant."""
    if not value and "empty" not in data:
        raise UsageRefused(
            f"{variable or 'The variable'} was given no value; nothing was changed.",
            why="An empty value has to be meant.",
            do="Type a value, or tick that it is to be empty.",
        )


def _add(visit: Visit, name: str, variable: str, value: str) -> None:
    """Raises UsageRefused where the app has one of that name already, which a new one would write over."""
    change = VariablesChange(set={variable: value})
    preview = visit.agent.preview_variables(name, change)
    if not preview.added:
        raise UsageRefused(
            f"{name} has a variable {variable} already; nothing was changed.", do="Change that one in the table."
        )
    visit.agent.change_variables(name, VariablesChange(set={variable: value}, version=preview.version))
