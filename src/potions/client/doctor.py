"""What the agent is asked about what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from potions.client.wire import Wire, app_path
from potions.schema import Checkup, FixRequest, Treatment


class DoctorCalls(Wire):
    """The doctor. Without an app: the platform, with all apps from outside of their storage."""

    def checkup(self, app: str | None = None) -> Checkup:
        return self._get(f"{_path(app)}/doctor", Checkup)

    def fix(self, app: str | None = None, only: Iterable[str] | None = None) -> Treatment:
        """Mend what was found; with ``only`` just the findings with these keys."""
        return self._write(
            "POST", f"{_path(app)}/doctor/fix", Treatment, FixRequest(None if only is None else list(only))
        )


def _path(app: str | None) -> str:
    return "" if app is None else app_path(app)
