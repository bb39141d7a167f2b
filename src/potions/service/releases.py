"""Releases: which ones an app was sent, what each is to it now, and what differs between two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from potions.errors import NothingDeployed, NothingToCompare
from potions.model.app import App
from potions.model.deployment import Release
from potions.model.history import ReleaseHistory
from potions.model.release_diff import IndexedFile, ReleaseDiff, compare
from potions.names import ReleaseId
from potions.schema import ReleaseEntry, ReleaseState
from potions.service.context import Context
from potions.service.targets import Targets


class ReleaseService:
    """What may be asked about the releases of an app."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def releases(self, name: str) -> list[ReleaseEntry]:
        """Every release the app was ever sent, the newest label first."""
        app = self._context.app(name)
        in_use = self._in_use(app)
        history = self._context.store.release_history(app.id)
        return [
            ReleaseEntry(one.release, in_use.get(one.release.id) or self._state(app, one), one.deployments)
            for one in history
        ]

    def diff(self, name: str, before: str | None, after: str | None, limit: int) -> ReleaseDiff:
        """What differs between two releases, named as ``r12`` or by a deployment's number.

        ``after`` is what serves if it is left out, and ``before`` what served before that. Reads both archives, as
        unpacking them would. Raises what `Targets.release` raises, NothingDeployed, NothingToCompare, and what
        unpacking raises.
        """
        app, _ = self._context.present(name)
        targets = Targets(self._context, app)
        new = targets.release(after) if after is not None else self._serving(app)
        old = targets.release(before) if before is not None else self._before(app)
        # One against itself is read once.
        wanted = {old.id: old, new.id: new}
        with ThreadPoolExecutor(2) as readers:
            found = dict(zip(wanted, readers.map(lambda one: self._index(app, one), wanted.values()), strict=True))
        return compare(old, found[old.id], new, found[new.id], limit)

    def _in_use(self, app: App) -> dict[ReleaseId, ReleaseState]:
        """The releases that serve, and that a rollback goes back to."""
        if self._context.is_gone(app):
            return {}
        uses = {
            ReleaseState.ROLLBACK: self._context.rollback_target(app),
            ReleaseState.SERVES: self._context.live_deployment(app),
        }
        return {one.release.id: state for state, one in uses.items() if one is not None}

    def _state(self, app: App, one: ReleaseHistory) -> ReleaseState:
        if one.pruned:
            return ReleaseState.PRUNED
        if not self._context.trees.has_archive(self._context.tree(app), one.release):
            return ReleaseState.MISSING
        if one.served_last is not None:
            return ReleaseState.KEPT
        waits = any(not deployment.status.ended for deployment in one.deployments)
        return ReleaseState.WAITING if waits else ReleaseState.UNSERVED

    def _serving(self, app: App) -> Release:
        serving = self._context.live_deployment(app)
        if serving is None:
            raise NothingDeployed(app.name)
        return serving.release

    def _before(self, app: App) -> Release:
        target = self._context.rollback_target(app)
        if target is None:
            self._serving(app)
            raise NothingToCompare(app.name)
        return target.release

    def _index(self, app: App, release: Release) -> list[IndexedFile]:
        """What a kept archive holds. How much that is, is remembered where nobody knew it yet."""
        tree = self._context.tree(app)
        self._context.trees.check_archive(tree, release)
        index = self._context.trees.index(tree, release)
        if release.files is None:
            self._context.store.set_contents(app.id, release.id, index.contents.files, index.contents.bytes)
        return index.files
