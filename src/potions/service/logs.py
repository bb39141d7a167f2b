"""What the slots of an app print."""

from __future__ import annotations

from pathlib import Path

from potions.errors import WorkerUnknown
from potions.layout import AppTree, Colour
from potions.schema import LogLine
from potions.service.context import Context

#: How far back "the last lines" can reach, in bytes.
_TAIL_BYTES = 1024 * 1024


#: What the program is called that answers visitors.
WEB = "web"


class LogService:
    """What may be asked about the output of an app."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def open(self, name: str, slot: Colour | None, process: str | None, lines: int) -> OutputReader:
        """A reader over one slot, or both where ``slot`` is None; over one process of it, or all of them.

        It begins with the live slot's last lines, so many of each process. Raises WorkerUnknown.
        """
        app, tree = self._context.present(name)
        first = slot or self._context.trees.live(tree)
        if process is not None and process not in _processes(tree):
            raise WorkerUnknown(app.name, process, _processes(tree))
        return OutputReader(self._context, tree, [slot] if slot else [first.other, first], process, first, lines)


class OutputReader:
    """Reads the new lines of growing logs: each slot's ``web``, and its workers, also those that begin meanwhile."""

    def __init__(
        self, context: Context, tree: AppTree, colours: list[Colour], process: str | None, first: Colour, lines: int
    ) -> None:
        self._context = context
        self._tree = tree
        self._colours = colours
        self._process = process
        self._positions = {
            source: self._start_of_last(source, lines) if source[0] is first else self._size(source)
            for source in self._sources()
        }

    def read(self) -> list[LogLine]:
        """The whole lines that came since the last call."""
        return [
            LogLine(colour, text, process)
            for colour, process in self._sources()
            for text in self._read_one((colour, process))
        ]

    def _sources(self) -> list[tuple[Colour, str]]:
        """Slot and process of each log there is now."""
        wanted = [one for one in _processes(self._tree) if self._process in (None, one)]
        return [(colour, process) for colour in self._colours for process in wanted]

    def _read_one(self, source: tuple[Colour, str]) -> list[str]:
        size, position = self._size(source), self._positions.get(source, 0)
        if size < position:
            # The log was rotated: what is there now is new.
            position = 0
        if size == position:
            return []
        data = self._context.trees.read_output(_log(self._tree, *source), position)
        whole = data[: data.rfind(b"\n") + 1]
        self._positions[source] = position + len(whole)
        return whole.decode(errors="replace").splitlines()

    def _start_of_last(self, source: tuple[Colour, str], lines: int) -> int:
        size = self._size(source)
        begin = max(0, size - _TAIL_BYTES)
        tail = self._context.trees.read_output(_log(self._tree, *source), begin)[: size - begin]
        if lines == 0:
            return size
        wanted = tail.splitlines(keepends=True)[-lines:]
        return begin + len(tail) - sum(map(len, wanted))

    def _size(self, source: tuple[Colour, str]) -> int:
        return self._context.trees.size_of(_log(self._tree, *source))


def _log(tree: AppTree, colour: Colour, process: str) -> Path:
    return tree.output_log(colour) if process == WEB else tree.worker_log(colour, process)


def _processes(tree: AppTree) -> list[str]:
    """``web``, and every worker that has a log."""
    found = (tree.worker_of_log(path) for path in tree.logs.iterdir())
    return [WEB, *sorted({worker for worker in found if worker is not None})]
