"""What the programs of an app print, kept by systemd's journal."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from itertools import islice, takewhile

from potions.host.journal import Position, is_kept, newest, synchronise, units
from potions.host.journal_cursor import decode_position
from potions.host.journal_lines import last_lines, source_of
from potions.host.journal_reader import JournalFile, JournalReader
from potions.host.log_cursor import scope_of
from potions.layout import Colour, Server
from potions.model.app import App
from potions.model.output import WEB, Source, Wanted, text_of
from potions.model.service import worker_of, worker_services


class JournalOutputs:
    """The journal of a server. Nothing of it is written here, nor removed."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self, app: App, source: Source) -> str:  # noqa: ARG002 - one place holds for all programs
        synchronise()
        position = newest()
        return "" if position is None else position.text

    def since(self, app: App, source: Source, place: str, lines: int) -> list[str]:
        # What ended a moment ago may not have been taken in yet.
        synchronise()
        begin = Position.read(place) if place else None
        with closing(last_lines(app, source, None)) as found:
            new = takewhile(lambda line: begin is None or line.position.is_behind(begin), found)
            last = list(islice((line for line in new if not line.dropped), lines))
        return [text_of(line.data) for line in reversed(last)]

    def processes(self, app: App) -> list[str]:
        known = self._known_workers(app)
        printed = {source for unit in units() if (source := source_of(app, unit)) is not None}
        # An app that had the same name before may have had others.
        gone = {source.process for source in printed if source.process not in known and self._has_printed(app, source)}
        return [WEB, *sorted((known | gone) - {WEB})]

    def begin_with_last(self, app: App, wanted: Wanted, lines: int, slots: Collection[Colour]) -> JournalReader:
        reader = self._reader(app, wanted, newest())
        processes = [wanted.process] if wanted.process else self.processes(app)
        every = (Source(slot, process) for slot in slots for process in processes)
        reader.give_last(lines, [source for source in every if wanted.has(source)])
        return reader

    def begin_after(self, app: App, wanted: Wanted, cursor: str) -> JournalReader:
        position = decode_position(cursor, scope_of(app.id, wanted.slot, wanted.process))
        reader = self._reader(app, wanted, position)
        if not is_kept(position):
            reader.tell_lost(position)
        return reader

    def whole(self, app: App, source: Source) -> JournalFile:
        return JournalFile(app, source)

    def _reader(self, app: App, wanted: Wanted, position: Position | None) -> JournalReader:
        return JournalReader(app, self._server.app(app.name), wanted, position)

    def _known_workers(self, app: App) -> set[str]:
        names = [path.name.removesuffix(".json") for path in self._server.programs.glob(f"{app.name}.*.json")]
        return {worker_of(name) for slot in Colour for name in worker_services(names, app.name, slot)}

    def _has_printed(self, app: App, source: Source) -> bool:
        with closing(last_lines(app, source, None)) as found:
            return next(found, None) is not None
