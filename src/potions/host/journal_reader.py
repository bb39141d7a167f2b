"""Reads lines of an app's programs out of systemd's journal, on and on, or all of one program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import dropwhile, islice

from potions.host.journal import Entry, Position, Reading, newest
from potions.host.journal_cursor import encode_position
from potions.host.journal_lines import Joiner, Line, last_lines, words_for
from potions.host.log_cursor import scope_of
from potions.layout import AppTree
from potions.model.app import App
from potions.model.output import WEB, Printed, Source, Wanted, text_of

#: What one look reads at most, in bytes or so.
_AT_ONCE = 1024 * 1024
_MICRO = 1_000_000


class JournalReader:
    """Reads the new lines of an app's programs, also of workers that begin meanwhile, by one child."""

    def __init__(self, app: App, tree: AppTree, wanted: Wanted, position: Position | None) -> None:
        """Begin behind ``position``; with all that is kept where it is None."""
        self._app = app
        self._tree = tree
        self._wanted = wanted
        self._scope = scope_of(app.id, wanted.slot, wanted.process)
        self._position = position
        self._lost = False
        self._seen: Position | None = None
        self._joiner = Joiner(app)
        self._first: list[Printed] = []
        self._reading: Reading | None = None
        self._at_end = False

    def give_last(self, lines: int, sources: list[Source]) -> None:
        """Have the first ``read`` give the last so many lines of each of those."""
        found = [line for source in sources for line in self._last_of(source, lines)] if lines else []
        # As they came; by the clock, for there is more than one count where the journal was put aside once.
        found.sort(key=lambda line: (line.position.realtime, line.position.number))
        self._first = [self._printed(line) for line in found]
        if self._first and self._position is not None:
            # What else lies before the place where reading goes on is not wanted, also by who comes back.
            end = self._first[-1]
            self._first[-1] = Printed(end.source, end.text, encode_position(self._scope, self._position), end.gap)

    def tell_lost(self, position: Position) -> None:
        """Nobody knows that place any more: go on with what was printed since by the clock, and say so first."""
        self._lost = True
        source = Source(self._wanted.slot or self._wanted.serving, self._wanted.process or WEB)
        self._first = [Printed(source, "", encode_position(self._scope, position), gap=True)]

    def read(self) -> list[Printed]:
        # The journal keeps what an app printed, the app's own folder goes with it.
        self._tree.logs.stat()
        found, self._first = self._first, []
        return found + [self._printed(line) for line in self._joiner.lines(self._new()) if self._is_wanted(line)]

    def is_at_end(self) -> bool:
        return self._at_end

    def fileno(self) -> int | None:
        return None if self._reading is None else self._reading.fileno()

    def close(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _last_of(self, source: Source, lines: int) -> list[Line]:
        with closing(last_lines(self._app, source, self._position, self._wanted.contains)) as every:
            return list(islice((line for line in every if line.whole and self._is_wanted(line)), lines))

    def _is_wanted(self, line: Line) -> bool:
        if not self._wanted.has(line.source):
            return False
        return not self._wanted.contains or (not line.dropped and self._wanted.matches(text_of(line.data)))

    def _printed(self, line: Line) -> Printed:
        cursor = encode_position(self._scope, line.position)
        if line.dropped:
            return Printed(line.source, _told(line.dropped), cursor, gap=True)
        return Printed(line.source, text_of(line.data), cursor)

    def _new(self) -> list[Entry]:
        """The entries that came since, a megabyte or so of them."""
        entries: list[Entry] = []
        size = 0
        self._at_end = False
        while size < _AT_ONCE and not self._at_end:
            some = self._some()
            entries += some
            size += sum(len(entry.data) for entry in some)
        if not entries:
            return []
        self._position = entries[-1].position
        if self._seen is None:
            return entries
        unseen = list(dropwhile(self._was_seen, entries))
        if unseen:
            # Only what comes first may have been read before: a clock can be set back later.
            self._seen, self._lost = None, False
        return unseen

    def _some(self) -> list[Entry]:
        if self._reading is None:
            self._reading = self._start()
        try:
            some = self._reading.some()
        except BlockingIOError:
            some, self._at_end = [], True
        if some is None:
            # One that follows ends some day, too: the next look begins another.
            self.close()
            some, self._at_end = [], True
        return some

    def _start(self) -> Reading:
        self._seen = self._position
        words = ["--follow", "--no-tail"] if self._wanted.follow else []
        if self._position is not None:
            seconds, rest = divmod(self._position.realtime, _MICRO)
            words.append(f"--since=@{seconds}.{rest:06d}" if self._lost else f"--cursor={self._position.text}")
        reading = Reading(*words, *words_for(self._app))
        if self._wanted.follow:
            reading.set_blocking(False)
        return reading

    def _was_seen(self, entry: Entry) -> bool:
        if self._seen is None:
            return False
        return entry.position.realtime <= self._seen.realtime if self._lost else entry.position.is_same(self._seen)


class JournalFile:
    """All that is kept of one program until now, on its way out."""

    def __init__(self, app: App, source: Source) -> None:
        self.size: int | None = None
        self._app = app
        self._source = source
        # A program that prints faster than somebody reads would have no end.
        self._until = newest()
        self._reading = Reading(*words_for(app, source))

    def pieces(self) -> Iterator[bytes]:
        """Line by line, some hundred kilobytes at a time; a line that was dropped is told in brackets."""
        joiner = Joiner(self._app)
        while (entries := self._reading.some()) is not None:
            wanted = [one for one in entries if self._until is None or not one.position.is_behind(self._until)]
            if lines := b"".join(map(_written, joiner.lines(wanted))):
                yield lines
            if len(wanted) < len(entries):
                break
        if rest := b"".join(map(_written, joiner.rest())):
            yield rest

    def close(self) -> None:
        self._reading.close()


def _written(line: Line) -> bytes:
    if line.dropped:
        return f"[{_told(line.dropped)}]\n".encode()
    return line.data + (b"\n" if line.whole else b"")


def _told(dropped: int) -> str:
    return f"{dropped:,} lines were dropped: they came faster than the journal takes them"
