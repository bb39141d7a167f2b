"""What a fix works with."""

from __future__ import annotations

from typing import NamedTuple

from potions.errors import InternalError
from potions.service.context import Context
from potions.service.doctor.scene import AppScene
from potions.service.lifecycle import LifecycleService


class Bench(NamedTuple):
    """What a fix works with. ``app`` is None for what belongs to no single app."""

    context: Context
    lifecycle: LifecycleService
    app: AppScene | None

    @property
    def the_app(self) -> AppScene:
        if self.app is None:
            raise InternalError("A fix of an app was asked for without one.")
        return self.app
