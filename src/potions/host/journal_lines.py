"""Lines of an app's programs, made of the entries of systemd's journal: put together again, and known by their unit."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

from potions.host.journal import DROPPED, PRINTED, Entry, Position, Reading, search_words
from potions.layout import Colour
from potions.model.app import App
from potions.model.output import WEB, Source, journal_fields
from potions.render.systemd import unit_name

#: journald cuts lines at 48 KB. They are put together again up to this, in bytes.
_LONGEST = 8 * 1024 * 1024


class Line(NamedTuple):
    """A line of one program, without its end."""

    position: Position
    source: Source
    data: bytes
    dropped: int = 0
    """No line: journald dropped so many here."""
    whole: bool = True
    """False while the program has not ended it."""


def words_for(app: App, source: Source | None = None) -> list[str]:
    """What journalctl is told to look for: all that an app's programs, or one of them, printed."""
    printed = [PRINTED, *(f"{name}={value}" for name, value in journal_fields(app).items())]
    dropped = list(DROPPED)
    if source is not None:
        unit = unit_name(source.service(app.name))
        printed.append(f"_SYSTEMD_UNIT={unit}")
        dropped.append(f"OBJECT_SYSTEMD_UNIT={unit}")
    return [*printed, "+", *dropped]


def source_of(app: App, unit: str) -> Source | None:
    """The program of the app that a unit runs; None for units of others."""
    begin, end = f"{app.name}-", ".service"
    if not (unit.startswith(begin) and unit.endswith(end)):
        return None
    colour, _, rest = unit[len(begin) : -len(end)].partition(".")
    kind, _, worker = rest.partition(".")
    if colour not in set(Colour) or kind not in {"", "worker"} or bool(kind) != bool(worker):
        return None
    return Source(Colour(colour), worker or WEB)


class Joiner:
    """Puts lines together from their pieces, in the order in which those came."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._begun: dict[Source, list[Entry]] = {}

    def lines(self, entries: list[Entry]) -> Iterator[Line]:
        for entry in entries:
            source = source_of(self._app, entry.unit)
            if source is None or _is_older(entry, self._app):
                continue
            if entry.dropped:
                yield Line(entry.position, source, b"", entry.dropped)
                continue
            begun = self._begun.setdefault(source, [])
            if begun and begun[-1].stream != entry.stream:
                # The program ended in the middle of it, and was started again.
                yield _joined(source, begun)
                begun.clear()
            begun.append(entry)
            if not entry.goes_on or sum(len(piece.data) for piece in begun) > _LONGEST:
                yield _joined(source, begun)
                begun.clear()

    def rest(self) -> Iterator[Line]:
        """What was begun and not ended."""
        for source, begun in self._begun.items():
            if begun:
                yield _joined(source, begun)
        self._begun.clear()


def last_lines(app: App, source: Source, until: Position | None, contains: str = "") -> Generator[Line]:
    """The lines of one program, the last first; those behind ``until`` are none.

    Of a search journalctl itself leaves out most of what does not match. Then a line beyond 48 KB comes in pieces.
    """
    search = search_words(contains) if contains else []
    pieces: list[Entry] = []
    with Reading("--reverse", *search, *words_for(app, source)) as reading:
        for entry in reading.entries():
            if (until is not None and entry.position.is_behind(until)) or _is_older(entry, app):
                continue
            goes_on = entry.goes_on and not search and not entry.dropped
            if pieces and not goes_on:
                yield _joined(source, pieces[::-1])
                pieces.clear()
            if entry.dropped:
                yield Line(entry.position, source, b"", entry.dropped)
            else:
                pieces.append(entry)
    if pieces:
        yield _joined(source, pieces[::-1])


def _joined(source: Source, pieces: list[Entry]) -> Line:
    data = b"".join(piece.data for piece in pieces)
    return Line(pieces[-1].position, source, data, whole=not pieces[-1].goes_on)


def _is_older(entry: Entry, app: App) -> bool:
    """What was dropped names no app but its unit: before the app was made, an app of the same name had that."""
    return bool(entry.dropped) and entry.position.realtime < app.created.timestamp() * 1_000_000
