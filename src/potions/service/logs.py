"""What the slots of an app print: followed, searched, read on from any line, and got as a file."""

from __future__ import annotations

from collections.abc import Iterator

from potions.errors import WorkerUnknown
from potions.flows.ports import OutputFile, OutputReader
from potions.layout import Colour
from potions.model.app import App
from potions.model.output import Printed, Source, Wanted
from potions.schema import LogLine
from potions.service.context import Context


class LogService:
    """What may be asked about the output of an app."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def open(
        self,
        name: str,
        slot: Colour | None,
        process: str | None,
        lines: int,
        after: str | None = None,
        contains: str = "",
        *,
        follow: bool = False,
    ) -> LogReader:
        """A reader over one slot, or both where ``slot`` is None; over one process of it, or all of them.

        It begins with the live slot's last lines, so many of each process, or behind the line with the cursor
        ``after``. With ``contains`` only lines with that text count and are given, in upper or lower case; then the
        last ones of both slots, as far back as is kept. Raises WorkerUnknown, and RequestRefused for a cursor that is
        none of these logs'. The caller closes it.
        """
        app, tree = self._context.present(name)
        serving = self._context.trees.live(tree)
        if process is not None:
            self._refuse_unknown(app, process)
        wanted = Wanted(slot, process, contains, slot or serving, follow)
        outputs = self._context.outputs
        if after is not None:
            return LogReader(outputs.begin_after(app, wanted, after))
        slots = list(Colour) if contains else [wanted.serving]
        return LogReader(outputs.begin_with_last(app, wanted, lines, slots))

    def file(self, name: str, slot: Colour | None, process: str) -> LogFile:
        """All that is kept of what one process printed, in the live slot where none is named. Raises WorkerUnknown."""
        app, tree = self._context.present(name)
        self._refuse_unknown(app, process)
        colour = slot or self._context.trees.live(tree)
        kept = self._context.outputs.whole(app, Source(colour, process))
        return LogFile(f"{app.name}-{colour}-{process}.log", kept)

    def _refuse_unknown(self, app: App, process: str) -> None:
        known = self._context.outputs.processes(app)
        if process not in known:
            raise WorkerUnknown(app.name, process, known)


class LogReader:
    """Lines on their way out, as the API gives them."""

    def __init__(self, reader: OutputReader) -> None:
        self._reader = reader

    def read(self) -> list[LogLine]:
        """The whole lines that came since the last call; of each log a megabyte or so."""
        return [_line(printed) for printed in self._reader.read()]

    def is_at_end(self) -> bool:
        """Whether the last ``read`` gave all that there was."""
        return self._reader.is_at_end()

    def fileno(self) -> int | None:
        """What becomes readable as soon as there may be more; None where only looking tells."""
        return self._reader.fileno()

    def close(self) -> None:
        """Again and again is fine."""
        self._reader.close()


class LogFile:
    """A log on its way out, as it was when it was opened."""

    def __init__(self, name: str, kept: OutputFile) -> None:
        self.name = name
        self._kept = kept
        self.size = kept.size
        """In bytes; None where nobody knows before it was read."""

    def pieces(self) -> Iterator[bytes]:
        return self._kept.pieces()

    def close(self) -> None:
        """Again and again is fine."""
        self._kept.close()


def _line(printed: Printed) -> LogLine:
    slot, process = printed.source
    return LogLine(slot, printed.text, process, printed.cursor, gap=printed.gap)
