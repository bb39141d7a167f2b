"""What the agent is asked about the output of apps."""

from __future__ import annotations

from collections.abc import Iterator

from potions.client.wire import Wire, app_path
from potions.schema import Colour, LogLine


class LogCalls(Wire):
    """What apps print."""

    def logs(
        self, app: str, *, follow: bool = False, lines: int = 100, slot: Colour | None = None
    ) -> Iterator[LogLine]:
        """What the app printed: the last ``lines`` of each slot, or of one slot; ``follow`` stays for more."""
        which = {} if slot is None else {"slot": slot.value}
        return self._stream(f"{app_path(app)}/logs", LogLine, follow=follow, lines=lines, **which)
