"""Puts right what somebody removed or broke by hand in an app's own records: which slot serves, and what a slot holds.

The database remembers both, so nothing is guessed. A slot's own files are never touched here.
"""

from __future__ import annotations

from potions.errors import AppDamaged
from potions.layout import FIRST_LIVE, AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Deployment, SlotContent
from potions.service.context import Context


def mend(context: Context, app: App) -> None:
    """Have ``.live`` and each ``release.json`` say what the database says, where they are missing or unreadable."""
    tree = context.tree(app)
    if tree.root.is_symlink() or not tree.slots.is_dir():
        return
    for colour in Colour:
        _mend_holds(context, app, tree, colour)
    _mend_live(context, app, tree)


def _mend_live(context: Context, app: App, tree: AppTree) -> None:
    try:
        context.trees.live(tree)
    except AppDamaged:
        last = context.store.last_served(app.id)
        context.trees.point(tree, last.slot if last is not None and last.slot is not None else FIRST_LIVE)


def _mend_holds(context: Context, app: App, tree: AppTree, colour: Colour) -> None:
    if tree.previous(colour).exists() or not tree.slot(colour).is_dir():
        # A deploy stopped half way, which its own undo settles; or there is nothing to say.
        return
    try:
        if context.trees.holds(tree, colour) is not None:
            return
    except AppDamaged:
        pass
    served = _last_in(context, app, colour)
    if served is not None:
        release = served.release
        context.trees.rewrite_holds(
            tree,
            colour,
            SlotContent(
                release=release.id, label=release.label, deployment=served.number, directory=str(tree.slot(colour))
            ),
        )


def _last_in(context: Context, app: App, colour: Colour) -> Deployment | None:
    """The newest deployment that served from that slot."""
    history = context.store.deployments(app.id)
    return next((one for one in history if one.slot is colour and one.status.served), None)
