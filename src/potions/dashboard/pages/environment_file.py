"""A whole ``.env`` file pasted into the Environment tab: what it would change first, then the change."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form
from potions.dashboard.variables import lines_from, seal_of
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError, PreviewOutdated
from potions.schema import Role, VariablesChange, VariablesChanged


class EnvironmentFilePages(Controller):
    """Many variables at once: all of them or nothing."""

    path = "/apps/{name:str}/environment/paste"

    @get(sync_to_thread=True, needs=Role.DEPLOYER)
    def paste(self, visit: Visited, name: FromPath[str]) -> Template:
        return _page(visit, name, "", replace=False)

    @post(sync_to_thread=True, large_form=True)
    def look(self, visit: Visited, name: FromPath[str], data: Form) -> Template:
        """What it would change."""
        return _previewed(visit, name, *_pasted(data))

    @post("/apply", sync_to_thread=True, large_form=True)
    def apply(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        """Just what was previewed; anything else is previewed first."""
        pasted, replace = _pasted(data)
        if data.get("seal") != seal_of(pasted, replace=replace):
            return _previewed(visit, name, pasted, replace, was_changed=True)
        change = VariablesChange(dotenv=pasted, replace=replace, version=data.get("version", ""))
        try:
            changed = visit.agent.change_variables(name, change)
        except PreviewOutdated as outdated:
            return _previewed(visit, name, pasted, replace, outdated)
        except PotionsError as refused:
            return _page(visit, name, pasted, replace=replace, refused=refused)
        return visit.go(f"/apps/{name}/environment", _said(changed))


def _pasted(data: dict[str, str]) -> tuple[str, bool]:
    return lines_from(data.get("text", "")), "replace" in data


def _said(changed: VariablesChanged) -> str:
    counts = (("added", changed.added), ("changed", changed.changed), ("removed", changed.removed))
    words = ", ".join(f"{len(names)} {word}" for word, names in counts if names)
    return f"Saved: {words}. What runs keeps what it has until the next deploy." if words else "Nothing was changed."


def _previewed(
    visit: Visit,
    name: str,
    pasted: str,
    replace: bool,
    refused: PotionsError | None = None,
    *,
    was_changed: bool = False,
) -> Template:
    """The page with what the text would change now; ``refused`` says why it is asked again."""
    try:
        preview = visit.agent.preview_variables(name, VariablesChange(dotenv=pasted, replace=replace))
    except PotionsError as problem:
        return _page(visit, name, pasted, replace=replace, refused=problem)
    return _page(visit, name, pasted, replace=replace, refused=refused, preview=preview, was_changed=was_changed)


def _page(
    visit: Visit,
    name: str,
    pasted: str,
    *,
    replace: bool,
    refused: PotionsError | None = None,
    preview: VariablesChanged | None = None,
    was_changed: bool = False,
) -> Template:
    return visit.tab(
        "environment",
        name,
        "app/environment_paste.html",
        status=200 if refused is None else refused.http_status,
        text=pasted,
        replace=replace,
        refused=refused,
        preview=preview,
        seal=seal_of(pasted, replace=replace),
        was_changed=was_changed,
    )
