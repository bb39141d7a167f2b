"""What the supervisor should know of an app: the programs of both slots, whether they run or not."""

from __future__ import annotations

from collections.abc import Iterator

from potions.errors import PotionsError
from potions.flows.run import plan_in, slot_program
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.plan import RunPlan
from potions.model.service import Service, slot_service, worker_service
from potions.service.context import Context


def programs_of(context: Context, app: App) -> Iterator[tuple[Service, Colour]]:
    """The services of both slots, with their slots. What the launcher is told (commands, variables) is not in these."""
    tree = context.tree(app)
    for colour in Colour:
        plan = _plan(context, tree, colour)
        if plan is not None:
            names = [slot_service(app.name, colour)]
            names += [worker_service(app.name, colour, worker.name) for worker in plan.workers]
            for name in names:
                yield slot_program(app, tree, colour, context.world.account, plan.manifest, name), colour


def _plan(context: Context, tree: AppTree, colour: Colour) -> RunPlan | None:
    """None where the slot holds nothing, or nothing says any more how that is run."""
    try:
        return None if context.trees.holds(tree, colour) is None else plan_in(context.world, tree, colour)
    except PotionsError:
        return None
