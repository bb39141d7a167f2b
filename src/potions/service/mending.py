"""Puts right what somebody removed or broke by hand in an app's own records: which slot serves, and what a slot holds.

The database remembers both, so nothing is guessed. A slot's own files are never touched here.
"""

from __future__ import annotations

from potions.errors import AppDamaged
from potions.host.trees import Trees
from potions.layout import FIRST_LIVE, AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Deployment, SlotContent
from potions.store.store import Store


def mend(store: Store, trees: Trees, tree: AppTree, app: App) -> None:
    """Have the platform's own folders, and ``.live`` and each ``release.json`` say what the database says.

    Only where they are missing or unreadable. Raises UnsafePath where something else has such a name, and OSError.
    """
    trees.provide(tree)
    for colour in Colour:
        _mend_holds(store, trees, tree, app, colour)
    _mend_live(store, trees, tree, app)


def _mend_live(store: Store, trees: Trees, tree: AppTree, app: App) -> None:
    try:
        trees.live(tree)
    except AppDamaged:
        last = store.last_served(app.id)
        trees.point(tree, last.slot if last is not None and last.slot is not None else FIRST_LIVE)


def _mend_holds(store: Store, trees: Trees, tree: AppTree, app: App, colour: Colour) -> None:
    if tree.previous(colour).exists() or not tree.slot(colour).is_dir():
        # A deploy stopped half way, which its own undo settles; or there is nothing to say.
        return
    try:
        if trees.holds(tree, colour) is not None:
            return
    except AppDamaged:
        pass
    served = _last_in(store, app, colour)
    if served is not None:
        release = served.release
        trees.rewrite_holds(
            tree,
            colour,
            SlotContent(
                release=release.id, label=release.label, deployment=served.number, directory=str(tree.slot(colour))
            ),
        )


def _last_in(store: Store, app: App, colour: Colour) -> Deployment | None:
    """The newest deployment that served from that slot."""
    history = store.deployments(app.id)
    return next((one for one in history if one.slot is colour and one.status.served), None)
