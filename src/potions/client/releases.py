"""What the agent is asked about releases that it has, and about going back to one."""

from __future__ import annotations

from potions.client.wire import Wire, app_path
from potions.schema import (
    Deployment,
    ReleaseDiff,
    ReleaseEntry,
    RollbackPreview,
    RollbackRequest,
    RollbackVariables,
)


class ReleaseCalls(Wire):
    """Releases, and rollbacks to them."""

    def releases(self, app: str) -> list[ReleaseEntry]:
        """Every release the app was ever sent, the newest first."""
        return self._get(f"{app_path(app)}/releases", list[ReleaseEntry])

    def diff(self, app: str, before: str | None = None, after: str | None = None, limit: int = 1000) -> ReleaseDiff:
        """What differs between two releases; without names, between what served before and what serves."""
        names = {"before": before, "after": after}
        named = {name: text for name, text in names.items() if text is not None}
        # Not as a plain look, which may take two minutes at most: reading large archives takes longer.
        return self._write("GET", f"{app_path(app)}/releases/diff", ReleaseDiff, None, limit=limit, **named)

    def rollback(self, app: str, to: str | None = None, env: RollbackVariables = RollbackVariables.THEN) -> Deployment:
        """Go back to what served before, or ``to`` a release (``r12``) or a deployment (``12``)."""
        return self._write("POST", f"{app_path(app)}/rollback", Deployment, RollbackRequest(to, env))

    def rollback_preview(
        self, app: str, to: str | None = None, env: RollbackVariables = RollbackVariables.THEN
    ) -> RollbackPreview:
        """What that rollback would do."""
        named = {} if to is None else {"to": to}
        return self._get(f"{app_path(app)}/rollback", RollbackPreview, env=env.value, **named)
