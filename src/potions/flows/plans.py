"""How the release in a slot is run, read once for each release: a rollback of milliseconds has no time to look."""

from __future__ import annotations

from potions.flows.ports import Trees
from potions.layout import AppTree, Colour
from potions.model.plan import RunPlan
from potions.names import ReleaseId
from potions.planning import read_plan

#: How many are remembered at most. One is some kilobytes; what was forgotten is read again.
_MOST = 1000


class Plans:
    """Plans by release. A release is one archive, so what stands in its files never changes."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._known: dict[ReleaseId, RunPlan] = {}

    def of(self, tree: AppTree, colour: Colour, release: ReleaseId) -> RunPlan:
        """The plan of a release that the slot holds. Raises what ``read_plan`` does."""
        plan = self._known.get(release)
        if plan is None:
            plan = read_plan(self._trees.inspect(tree, colour))
            while len(self._known) >= _MOST:
                self._known.pop(next(iter(self._known)), None)
            self._known[release] = plan
        return plan
