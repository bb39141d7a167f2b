"""The releases of an app, and what differs between two of them."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Template

from potions.dashboard.visit import Visited
from potions.errors import PotionsError
from potions.schema import ReleaseDiff, ReleaseState

#: Files that a page names at first, and at most.
FILES, _FILES_MAX = 50, 5000
_NOT_KEPT = {ReleaseState.PRUNED, ReleaseState.MISSING}

Files = Annotated[int, QueryParameter(name="files", ge=0, le=_FILES_MAX)]


class ReleasePages(Controller):
    """What an app was sent."""

    path = "/apps/{name:str}/releases"

    @get(sync_to_thread=True)
    def all(self, visit: Visited, name: FromPath[str]) -> Template:
        found = visit.agent.releases(name)
        kept = [entry for entry in found if entry.state not in _NOT_KEPT]
        pruned = len(found) - len(kept)
        return visit.tab(
            "deployments", name, "app/releases.html", releases=found, kept=[one.release for one in kept], pruned=pruned
        )

    @get("/diff", sync_to_thread=True)
    def diff(
        self,
        visit: Visited,
        name: FromPath[str],
        before: FromQuery[str] = "",
        after: FromQuery[str] = "",
        limit: Files = FILES,
    ) -> Template:
        """What differs between two releases; without names, between what served before and what serves."""
        refused: PotionsError | None = None
        found: ReleaseDiff | None = None
        try:
            found = visit.agent.diff(name, before or None, after or None, limit)
        except PotionsError as problem:
            refused = problem
        return visit.tab(
            "deployments",
            name,
            "app/diff.html",
            problem=refused,
            diff=found,
            more=min(_FILES_MAX, found.left_out + limit) if found is not None and limit < _FILES_MAX else 0,
        )
