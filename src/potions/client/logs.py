"""What the agent is asked about the output of apps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from potions.client.wire import Wire, app_path
from potions.schema import Colour, LogLine


@dataclass(frozen=True)
class LogFile:
    """A log on its way here."""

    size: int | None
    """In bytes; None where the server does not know before all of it came."""
    pieces: Iterator[bytes]


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
        after: str | None = None,
        contains: str = "",
    ) -> Iterator[LogLine]:
        """What the app printed: the last ``lines`` of each process, or of one slot or process; ``follow`` stays.

        ``after`` is the cursor of a line that came from the same slot and process: it goes on right behind it, and
        ``lines`` says nothing. ``contains`` leaves out lines without that text, in upper or lower case. Raises
        RequestRefused for a cursor that fits nothing, and then it is begun anew without one.
        """
        which = _which(slot, process) | ({} if after is None else {"after": after})
        if contains:
            which["contains"] = contains
        return self._stream(f"{app_path(app)}/logs", LogLine, follow=follow, lines=lines, **which)

    @contextmanager
    def log_file(self, app: str, *, slot: Colour | None = None, process: str | None = None) -> Iterator[LogFile]:
        """All that is kept of what one process printed: ``web`` in the live slot, where nothing else is said."""
        query = urlencode(_which(slot, process))
        with self._download(f"{app_path(app)}/logs/file?{query}") as answer:
            size = answer.headers.get("Content-Length")
            yield LogFile(None if size is None else int(size), answer.iter_raw())


def _which(slot: Colour | None, process: str | None) -> dict[str, str]:
    named = {"slot": None if slot is None else slot.value, "process": process}
    return {name: value for name, value in named.items() if value is not None}
