"""Which archives of an app a deploy that tidies up may remove."""

from __future__ import annotations

from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Deployment, Kind, Release
from potions.model.history import to_prune
from potions.names import ReleaseId
from potions.service.context import Context


def releases_to_prune(context: Context, app: App, deployment: Deployment, keep: int) -> list[Release]:
    """What is beyond ``keep``, which is the manifest's of the release that ``deployment`` brought.

    Nothing after a rollback: what an old release once said is no reason to remove those that came after it.
    """
    if deployment.kind is Kind.ROLLBACK:
        return []
    return to_prune(context.store.release_history(app.id), keep, _needed(context, app), deployment.created)


def _needed(context: Context, app: App) -> set[ReleaseId]:
    """What either slot holds, what a rollback goes to also where its slot was removed by hand, and what waits."""
    tree = context.tree(app)
    held = [context.trees.record_of(tree, colour) for colour in Colour]
    target = context.rollback_target(app)
    return {
        *(one.release for one in held if one is not None),
        *(one.release.id for one in context.store.unfinished() if one.app_id == app.id),
        *([] if target is None else [target.release.id]),
    }
