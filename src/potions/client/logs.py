"""What the agent is asked about the output of apps."""

from __future__ import annotations

from collections.abc import Iterator

from potions.client.wire import Wire, app_path
from potions.schema import Colour, LogLine


class LogCalls(Wire):
    """What apps print."""

    def logs(
        self,
        app: str,
        *,
        follow: bool = False,
        lines: int = 100,
        slot: Colour | None = None,
        process: str | None = None,
    ) -> Iterator[LogLine]:
        """What the app printed: the last ``lines`` of each process, or of one slot or process; ``follow`` stays."""
        which = {} if slot is None else {"slot": slot.value}
        if process is not None:
            which["process"] = process
        return self._stream(f"{app_path(app)}/logs", LogLine, follow=follow, lines=lines, **which)
