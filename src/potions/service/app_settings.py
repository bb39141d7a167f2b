"""How the release that serves is run, as its own files said."""

from __future__ import annotations

from potions.errors import AppDirectoryGone
from potions.model.run_settings import settings_of, workers_of
from potions.schema import AppSettings
from potions.service.context import Context


class AppSettingsService:
    """What may be asked about the settings of an app. They are changed in its ``potions.toml``, and nowhere else."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def settings(self, name: str) -> AppSettings:
        """Those of what serves. Raises AppUnknown, AppDirectoryGone, AppDamaged."""
        context = self._context
        app = context.app(name)
        tree = context.tree(app)
        if context.is_gone(app):
            raise AppDirectoryGone(app.name, str(tree.root))
        held = context.trees.record_of(tree, context.trees.live(tree))
        if held is None or held.plan is None:
            return AppSettings(held.label if held else None)
        return AppSettings(
            release=held.label,
            settings=settings_of(held.plan),
            workers=workers_of(held.plan),
            variables=sorted(held.plan.manifest.env),
        )
