"""What the slots of an app print: followed, searched, read on from any line, and got as a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from potions.errors import WorkerUnknown
from potions.host.kept_output import KeptOutput, OutputFollower
from potions.layout import AppTree, Colour
from potions.schema import LogLine
from potions.service.context import Context
from potions.service.log_cursor import LogCursor, decode_cursor, encode_cursor, scope_of

#: What the program is called that answers visitors.
WEB = "web"
#: What is read of one log before the others get their turn, in bytes.
_AT_ONCE = 1024 * 1024

Source = tuple[Colour, str]


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
    ) -> OutputReader:
        """A reader over one slot, or both where ``slot`` is None; over one process of it, or all of them.

        It begins with the live slot's last lines, so many of each process, or behind the line with the cursor
        ``after``. With ``contains`` only lines with that text count and are given, in upper or lower case; then the
        last ones of both slots, as far back as is kept. Raises WorkerUnknown, and RequestRefused for a cursor that is
        none of these logs'.
        """
        app, tree = self._context.present(name)
        live = self._context.trees.live(tree)
        if process is not None and process not in _processes(tree):
            raise WorkerUnknown(app.name, process, _processes(tree))
        first = slot or live
        colours = [slot] if slot else [first.other, first]
        scope = scope_of(app.id, slot, process)
        cursor = None if after is None else decode_cursor(after, scope)
        reader = OutputReader(tree, colours, process, scope, contains)
        if cursor is None:
            reader.begin_with_last(lines, list(Colour) if contains else [first])
        else:
            reader.begin_after(cursor)
        return reader

    def file(self, name: str, slot: Colour | None, process: str) -> OutputFile:
        """All that is kept of what one process printed, in the live slot where none is named. Raises WorkerUnknown."""
        app, tree = self._context.present(name)
        if process not in _processes(tree):
            raise WorkerUnknown(app.name, process, _processes(tree))
        colour = slot or self._context.trees.live(tree)
        return OutputFile(f"{app.name}-{colour}-{process}.log", KeptOutput(_log(tree, colour, process)))


class OutputFile:
    """A log on its way out, as it was when it was opened."""

    def __init__(self, name: str, kept: KeptOutput) -> None:
        self.name = name
        self._kept = kept
        self.size = kept.size
        """In bytes."""

    def pieces(self) -> Iterator[bytes]:
        return self._kept.pieces()

    def close(self) -> None:
        """Again and again is fine."""
        self._kept.close()


class OutputReader:
    """Reads the new lines of growing logs: each slot's ``web``, and its workers, also those that begin meanwhile."""

    def __init__(
        self, tree: AppTree, colours: list[Colour], process: str | None, scope: bytes, contains: str = ""
    ) -> None:
        self._tree = tree
        self._colours = colours
        self._process = process
        self._scope = scope
        self._wanted = contains.casefold()
        self._logs: dict[Source, OutputFollower] = {}

    def begin_with_last(self, lines: int, colours: list[Colour]) -> None:
        """Give the last so many lines of those slots, and what comes from now on of all of them."""
        for source in self._sources():
            log = self._logs[source] = self._follow(source)
            log.begin_with_last(lines if source[0] in colours else 0, self._matches if self._wanted else None)

    def begin_after(self, cursor: LogCursor) -> None:
        """Give what came behind the line with that cursor, in each log."""
        left = list(cursor.places)
        for source in self._sources():
            with KeptOutput(_log(self._tree, *source)) as kept:
                place = next((one for one in left if kept.find(_key(source), one)), None)
            if place is not None:
                left.remove(place)
                self._logs[source] = OutputFollower(_log(self._tree, *source), _key(source), place)
        for source in self._sources():
            if source not in self._logs:
                lost = cursor.cut or bool(left)
                log = _log(self._tree, *source)
                self._logs[source] = OutputFollower(log, _key(source), read_at=cursor.made, lost=lost)

    def read(self) -> list[LogLine]:
        """The whole lines that came since the last call; of each log a megabyte or so."""
        began = time.time()
        return [line for source in self._sources() for line in self._read_one(source, began)]

    def is_at_end(self) -> bool:
        """Whether the last ``read`` gave all that there was."""
        return all(log.at_end for log in self._logs.values())

    def _read_one(self, source: Source, began: float) -> Iterator[LogLine]:
        log = self._logs.setdefault(source, self._follow(source))
        for data in log.read(_AT_ONCE):
            if data is None:
                yield LogLine(source[0], "", source[1], self._cursor(began), gap=True)
            elif not self._wanted or self._matches(data):
                yield LogLine(source[0], _text(data), source[1], self._cursor(began))

    def _cursor(self, began: float) -> str:
        places = (log.place for log in self._logs.values())
        return encode_cursor(self._scope, began, [place for place in places if place is not None])

    def _matches(self, data: bytes) -> bool:
        return self._wanted in _text(data).casefold()

    def _follow(self, source: Source) -> OutputFollower:
        return OutputFollower(_log(self._tree, *source), _key(source))

    def _sources(self) -> list[Source]:
        """Slot and process of each log there is now."""
        wanted = [one for one in _processes(self._tree) if self._process in (None, one)]
        return [(colour, process) for colour in self._colours for process in wanted]


def _text(data: bytes) -> str:
    return data.decode(errors="replace").rstrip("\r")


def _key(source: Source) -> bytes:
    return f"{source[0].value}/{source[1]}".encode()


def _log(tree: AppTree, colour: Colour, process: str) -> Path:
    return tree.output_log(colour) if process == WEB else tree.worker_log(colour, process)


def _processes(tree: AppTree) -> list[str]:
    """``web``, and every worker that has a log."""
    found = (tree.worker_of_log(path) for path in tree.logs.iterdir())
    return [WEB, *sorted({worker for worker in found if worker is not None})]
