"""What the slots of an app print."""

from __future__ import annotations

from potions.layout import Colour
from potions.schema import LogLine
from potions.service.context import Context

#: How far back "the last lines" can reach, in bytes.
_TAIL_BYTES = 1024 * 1024


class LogService:
    """What may be asked about the output of an app."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def open(self, name: str, slot: Colour | None, lines: int) -> OutputReader:
        """A reader over one slot, or over both where ``slot`` is None, beginning with the live slot's last lines."""
        app, tree = self._context.present(name)
        first = slot or self._context.trees.live(tree)
        colours = [slot] if slot else [first.other, first]
        return OutputReader(self._context, app.name, colours, first, lines)


class OutputReader:
    """Reads the new lines of one or two growing logs."""

    def __init__(self, context: Context, app: str, colours: list[Colour], first: Colour, lines: int) -> None:
        self._context = context
        self._tree = context.home.app(app)
        self._positions = {colour: self._size(colour) for colour in colours}
        self._positions[first] = self._start_of_last(first, lines)

    def read(self) -> list[LogLine]:
        """The whole lines that came since the last call."""
        return [LogLine(colour, text) for colour in self._positions for text in self._read_slot(colour)]

    def _read_slot(self, colour: Colour) -> list[str]:
        size = self._size(colour)
        if size < self._positions[colour]:
            # The log was rotated: what is there now is new.
            self._positions[colour] = 0
        if size == self._positions[colour]:
            return []
        data = self._context.trees.read_output(self._tree.output_log(colour), self._positions[colour])
        whole = data[: data.rfind(b"\n") + 1]
        self._positions[colour] += len(whole)
        return whole.decode(errors="replace").splitlines()

    def _start_of_last(self, colour: Colour, lines: int) -> int:
        size = self._size(colour)
        begin = max(0, size - _TAIL_BYTES)
        tail = self._context.trees.read_output(self._tree.output_log(colour), begin)[: size - begin]
        if lines == 0:
            return size
        wanted = tail.splitlines(keepends=True)[-lines:]
        return begin + len(tail) - sum(map(len, wanted))

    def _size(self, colour: Colour) -> int:
        return self._context.trees.size_of(self._tree.output_log(colour))
