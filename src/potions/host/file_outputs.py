"""What the programs of an app print, kept in files that supervisord writes and rotates."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from potions.host.kept_output import KeptOutput, OutputFollower
from potions.host.log_cursor import LogCursor, decode_cursor, encode_cursor, scope_of
from potions.layout import AppTree, Colour, Home
from potions.model.app import App
from potions.model.output import WEB, Printed, Source, Wanted, text_of

#: What is read of one log before the others get their turn, in bytes.
_AT_ONCE = 1024 * 1024
#: Of what a program printed, the last lines are looked for in so much of it.
_LAST_BYTES = 64 * 1024


class FileOutputs:
    """The logs below the directories of the apps."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def now(self, app: App, source: Source) -> str:
        with suppress(FileNotFoundError):
            return str(_log(self._home.app(app.name), source).stat().st_size)
        return ""

    def since(self, app: App, source: Source, place: str, lines: int) -> list[str]:
        try:
            with _log(self._home.app(app.name), source).open("rb") as file:
                size = file.seek(0, 2)
                begin = int(place or 0)
                # A log that was rotated meanwhile is shorter: then all of it is new.
                file.seek(max(begin if begin <= size else 0, size - _LAST_BYTES))
                printed = file.read()
        except FileNotFoundError:
            return []
        return list(deque(printed.decode(errors="replace").splitlines(), maxlen=lines))

    def processes(self, app: App) -> list[str]:
        return _processes(self._home.app(app.name))

    def begin_with_last(self, app: App, wanted: Wanted, lines: int, slots: Collection[Colour]) -> FileReader:
        reader = self._reader(app, wanted)
        reader.begin_with_last(lines, slots)
        return reader

    def begin_after(self, app: App, wanted: Wanted, cursor: str) -> FileReader:
        reader = self._reader(app, wanted)
        reader.begin_after(decode_cursor(cursor, scope_of(app.id, wanted.slot, wanted.process)))
        return reader

    def whole(self, app: App, source: Source) -> KeptOutput:
        return KeptOutput(_log(self._home.app(app.name), source))

    def _reader(self, app: App, wanted: Wanted) -> FileReader:
        return FileReader(self._home.app(app.name), wanted, scope_of(app.id, wanted.slot, wanted.process))


class FileReader:
    """Reads the new lines of growing logs: each slot's ``web``, and its workers, also those that begin meanwhile."""

    def __init__(self, tree: AppTree, wanted: Wanted, scope: bytes) -> None:
        self._tree = tree
        self._wanted = wanted
        self._scope = scope
        self._logs: dict[Source, OutputFollower] = {}

    def begin_with_last(self, lines: int, slots: Collection[Colour]) -> None:
        """Give the last so many lines of those slots, and what comes from now on of all of them."""
        for source in self._sources():
            log = self._logs[source] = self._follow(source)
            log.begin_with_last(lines if source.slot in slots else 0, self._matches if self._wanted.contains else None)

    def begin_after(self, cursor: LogCursor) -> None:
        """Give what came behind the line with that cursor, in each log."""
        left = list(cursor.places)
        for source in self._sources():
            with KeptOutput(_log(self._tree, source)) as kept:
                place = next((one for one in left if kept.find(_key(source), one)), None)
            if place is not None:
                left.remove(place)
                self._logs[source] = OutputFollower(_log(self._tree, source), _key(source), place)
        for source in self._sources():
            if source not in self._logs:
                lost = cursor.cut or bool(left)
                log = _log(self._tree, source)
                self._logs[source] = OutputFollower(log, _key(source), read_at=cursor.made, lost=lost)

    def read(self) -> list[Printed]:
        began = time.time()
        return [line for source in self._sources() for line in self._read_one(source, began)]

    def is_at_end(self) -> bool:
        return all(log.at_end for log in self._logs.values())

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        """It has nothing open between two looks."""

    def _read_one(self, source: Source, began: float) -> Iterator[Printed]:
        log = self._logs.setdefault(source, self._follow(source))
        for data in log.read(_AT_ONCE):
            if data is None:
                yield Printed(source, "", self._cursor(began), gap=True)
            elif not self._wanted.contains or self._matches(data):
                yield Printed(source, text_of(data), self._cursor(began))

    def _cursor(self, began: float) -> str:
        places = (log.place for log in self._logs.values())
        return encode_cursor(self._scope, began, [place for place in places if place is not None])

    def _matches(self, data: bytes) -> bool:
        return self._wanted.matches(text_of(data))

    def _follow(self, source: Source) -> OutputFollower:
        return OutputFollower(_log(self._tree, source), _key(source))

    def _sources(self) -> list[Source]:
        """Each log there is now; those of the slot that serves last."""
        slots = (self._wanted.serving.other, self._wanted.serving)
        every = [Source(slot, process) for slot in slots for process in _processes(self._tree)]
        return [source for source in every if self._wanted.has(source)]


def _key(source: Source) -> bytes:
    return f"{source.slot.value}/{source.process}".encode()


def _log(tree: AppTree, source: Source) -> Path:
    return tree.output_log(source.slot) if source.process == WEB else tree.worker_log(source.slot, source.process)


def _processes(tree: AppTree) -> list[str]:
    found = (tree.worker_of_log(path) for path in tree.logs.iterdir())
    return [WEB, *sorted({worker for worker in found if worker is not None})]
