"""systemd's journal, read by ``journalctl``: from a place on, backwards from the end, or as it grows.

journald says itself which unit printed a line, and by which way it came: what an app printed, or what is said about it.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from typing import NamedTuple, Self

from potions.errors import OutputUnreadable

#: journald's own words that it dropped what a unit printed, sd_messages' SD_MESSAGE_JOURNAL_DROPPED.
DROPPED = ("_TRANSPORT=driver", "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e")
#: What came through a program's own output. By other ways systemd speaks about the unit.
PRINTED = "_TRANSPORT=stdout"

_FIELDS = "MESSAGE,_LINE_BREAK,_STREAM_ID,_SYSTEMD_UNIT,OBJECT_SYSTEMD_UNIT,N_DROPPED"
_SEARCH = "--grep="
#: What journald says of a line that it cut because it was too long.
_CUT = b"line-max"
_PIECE_BYTES = 256 * 1024
_PATIENCE = 10.0
_PACKED = struct.Struct(">16sQ16sQQQ")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


class Position(NamedTuple):
    """The place of one entry, as journald's cursors name it."""

    sequence: str
    """The journal that counted it."""
    number: int
    boot: str
    monotonic: int
    realtime: int
    """In microseconds since 1970."""
    mark: int

    @classmethod
    def read(cls, text: str) -> Position:
        """Raises ValueError for what is no cursor of journald's."""
        parts = dict(part.split("=", 1) for part in text.split(";"))
        try:
            number, monotonic, realtime, mark = (int(parts[name], 16) for name in "imtx")
            return cls(parts["s"], number, parts["b"], monotonic, realtime, mark)
        except KeyError as error:
            raise ValueError(text) from error

    @property
    def text(self) -> str:
        sequence, number, boot, monotonic, realtime, mark = self
        return f"s={sequence};i={number:x};b={boot};m={monotonic:x};t={realtime:x};x={mark:x}"

    @classmethod
    def unpack(cls, data: bytes) -> Position:
        """From ``packed``; raises struct.error for another number of bytes."""
        sequence, number, boot, monotonic, realtime, mark = _PACKED.unpack(data)
        return cls(sequence.hex(), number, boot.hex(), monotonic, realtime, mark)

    def packed(self) -> bytes:
        sequence, number, boot, monotonic, realtime, mark = self
        return _PACKED.pack(bytes.fromhex(sequence), number, bytes.fromhex(boot), monotonic, realtime, mark)

    def is_same(self, other: Position) -> bool:
        """Whether both are one entry, also after it was copied to the disk and counted anew there."""
        return self[2:] == other[2:]

    def is_behind(self, other: Position) -> bool:
        if self.sequence == other.sequence:
            return self.number > other.number
        return self.realtime > other.realtime


class Entry(NamedTuple):
    """A piece of what a unit printed, at most a line; or journald's words that it dropped some."""

    position: Position
    unit: str
    data: bytes
    goes_on: bool
    """The next entry of the same stream goes on with the same line: it was too long for one."""
    stream: bytes
    """A program has a new one each time it is started."""
    dropped: int
    """How many lines journald dropped here. Then there is no ``data``."""


class Reading:
    """One ``journalctl`` that gives entries. A context manager, or ended with ``close``."""

    def __init__(self, *words: str) -> None:
        """Raises OutputUnreadable where it cannot be started."""
        self._export = Export()
        # 1: nothing matched what was searched for.
        self._fine = {0, 1} if any(word.startswith(_SEARCH) for word in words) else {0}
        command = [*_words(*words), "--output=export", f"--output-fields={_FIELDS}"]
        self._pipe, into = os.pipe()
        try:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=into, stderr=subprocess.DEVNULL, env=ENVIRONMENT
            )
        except OSError as error:
            os.close(self._pipe)
            raise _unreadable(str(error)) from error
        finally:
            os.close(into)
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        return self._pipe

    def entries(self) -> Iterator[Entry]:
        """Those to the end, waiting for each. Raises OutputUnreadable where it fails."""
        while (entries := self.some()) is not None:
            yield from entries

    def some(self) -> list[Entry] | None:
        """The next ones, up to some hundred kilobytes, waiting for them; None at the end."""
        data = os.read(self._pipe, _PIECE_BYTES)
        if data:
            return self._export.feed(data)
        if (status := self._child.wait()) not in self._fine:
            raise _unreadable(f"journalctl ended with exit status {status}.")
        return None

    def set_blocking(self, blocking: bool) -> None:
        """Whether ``some`` waits; else it raises BlockingIOError."""
        os.set_blocking(self._pipe, blocking)

    def close(self) -> None:
        """End it, also in the middle. Again and again is fine."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if self._is_open:
            os.close(self._pipe)
            self._is_open = False


def synchronise() -> None:
    """Have journald take in what programs printed until now, also those that have ended. Raises OutputUnreadable."""
    _ask("--sync")


def newest() -> Position | None:
    """The place of the newest entry of all; None in an empty journal."""
    with Reading("--lines=1") as reading:
        return next((entry.position for entry in reading.entries()), None)


def is_kept(position: Position) -> bool:
    """Whether the entry at that place is still there."""
    with Reading(f"--cursor={position.text}") as reading:
        first = next(reading.entries(), None)
        return first is not None and first.position.is_same(position)


def units() -> list[str]:
    """Every unit of which something is kept."""
    return _ask("--field=_SYSTEMD_UNIT").splitlines()


def search_words(text: str) -> list[str]:
    """What has journalctl itself leave out most of what has not this text; nothing where it could leave out more.

    It searches by regular expressions, eight times as fast as its entries could be read.
    """
    if not text.isascii() or not text.isprintable():
        return []
    escaped = "".join(one if one.isalnum() else f"\\{one}" for one in text)
    return [f"{_SEARCH}{escaped}", "--case-sensitive=no"]


def _ask(*words: str) -> str:
    try:
        done = subprocess.run(
            _words(*words), capture_output=True, timeout=_PATIENCE, check=False, env=ENVIRONMENT, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unreadable(str(error)) from error
    if done.returncode != 0:
        raise _unreadable(done.stderr.strip()[:500])
    return done.stdout


def _words(*words: str) -> list[str]:
    return ["journalctl", "--quiet", "--no-pager", *words]


def _unreadable(why: str) -> OutputUnreadable:
    return OutputUnreadable("The journal of systemd cannot be read.", why=why, do="See: journalctl --verify")


class Export:
    """Takes the Journal Export Format apart, however it is cut into pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that are whole by now."""
        data = self._rest + data
        found: list[Entry] = []
        fields: dict[bytes, bytes] = {}
        begin = at = 0
        while (end := data.find(b"\n", at)) >= 0:
            if end == at:
                found += _entry(fields)
                fields, begin, at = {}, end + 1, end + 1
                continue
            name, equals, value = data[at:end].partition(b"=")
            if equals:
                fields[name], at = value, end + 1
                continue
            # What is not plain text comes by its size, in eight bytes.
            first = end + 9
            size = int.from_bytes(data[end + 1 : first], "little")
            if len(data) < first + size + 1:
                break
            fields[name], at = data[first : first + size], first + size + 1
        self._rest = data[begin:]
        return found


def _entry(fields: dict[bytes, bytes]) -> Iterator[Entry]:
    if b"__CURSOR" in fields:
        dropped = int(fields.get(b"N_DROPPED", b"0"))
        yield Entry(
            position=Position.read(fields[b"__CURSOR"].decode()),
            unit=fields.get(b"OBJECT_SYSTEMD_UNIT" if dropped else b"_SYSTEMD_UNIT", b"").decode(errors="replace"),
            data=fields.get(b"MESSAGE", b""),
            goes_on=fields.get(b"_LINE_BREAK") == _CUT,
            stream=fields.get(b"_STREAM_ID", b""),
            dropped=dropped,
        )
