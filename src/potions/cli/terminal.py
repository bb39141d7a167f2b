"""This terminal, or these pipes, as those of a program that runs on the server."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from potions.cli.screen import sanitise, say, stderr
from potions.client.terminal import error_of
from potions.schema.terminal import (
    ERRORS,
    PIECE,
    SIDE_MAX,
    WINDOW,
    Ended,
    Failed,
    InputEnds,
    Resize,
    Said,
    Signal,
    Size,
    Taken,
    Took,
)

if TYPE_CHECKING:
    from potions.client.terminal import TerminalLine

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_SMALLEST = os.terminal_size((80, 24))
_LEFT_STATUS = 130
#: What whoever ends this process means for it alone.
_ENDING = (signal.SIGTERM, signal.SIGHUP)
#: What Ctrl-C and Ctrl-\\ mean where no terminal carries them: they are for the program.
_FOR_THE_PROGRAM = (signal.SIGINT, signal.SIGQUIT)
#: Bytes after which the agent hears that they were written: not for each letter, and long before it has to wait.
_TELL_AFTER = WINDOW // 4


class Escape:
    """Looks for what ends a connection that hangs: ``~.`` at the beginning of a line. ``~~`` is one ``~``."""

    def __init__(self) -> None:
        self.left = False
        self._at_start = True
        self._held = False

    def pass_on(self, typed: bytes) -> bytes:
        """What of it is for the program; after ``left`` nothing is."""
        passed = bytearray()
        for byte in typed:
            key = bytes([byte])
            if self._held:
                self._held = False
                if key == b".":
                    self.left = True
                    break
                passed += b"~" if key == b"~" else b"~" + key
            elif self._at_start and key == b"~":
                self._held = True
                continue
            else:
                passed += key
            self._at_start = key in b"\r\n"
        return bytes(passed)


class Keyboard(threading.Thread):
    """Sends what is typed, and what else is to be said, for as long as the program takes it."""

    def __init__(self, line: TerminalLine, escape: Escape | None) -> None:
        super().__init__(daemon=True)
        self._line = line
        self._escape = escape
        self._room = WINDOW
        self._ended = False
        self._to_say: deque[Said | int] = deque()
        self._wakes, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def say(self, message: Said) -> None:
        """Have a message sent. For handlers of signals, which may not wait for anybody."""
        self._to_say.append(message)
        self._nudge()

    def granted(self, count: int) -> None:
        """The program has taken so many bytes."""
        self._to_say.append(count)
        self._nudge()

    @property
    def has_left(self) -> bool:
        return self._escape is not None and self._escape.left

    def run(self) -> None:
        while not self.has_left:
            wanted = [self._wakes] if self._ended or not self._room else [self._wakes, _STDIN]
            ready, _, _ = select.select(wanted, [], [])
            if self._wakes in ready:
                os.read(self._wakes, 4096)
                self._say_all()
            if _STDIN in ready:
                self._send_typed()
        self._line.cut()

    def _nudge(self) -> None:
        try:
            os.write(self._wake, b".")
        except BlockingIOError:
            # It has not read the last thousands yet, and reads everything then.
            return

    def _say_all(self) -> None:
        while self._to_say:
            message = self._to_say.popleft()
            if isinstance(message, int):
                self._room += message
            else:
                self._line.say(message)

    def _send_typed(self) -> None:
        try:
            typed = os.read(_STDIN, min(PIECE, self._room))
        except OSError:
            # The terminal is gone.
            typed = b""
        if not typed:
            self._ended = True
            self._line.say(InputEnds())
            return
        passed = typed if self._escape is None else self._escape.pass_on(typed)
        if passed:
            self._room -= len(passed)
            self._line.send(passed)


class _EndedFromOutside(Exception):
    """A signal asks this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def has_terminal() -> bool:
    """Whether somebody types here and looks at it."""
    return os.isatty(_STDIN) and os.isatty(_STDOUT)


def terminal_size() -> Size:
    """This terminal."""
    columns, rows = _sides()
    return Size(columns, rows, os.environ.get("TERM", "")[:200])


def carry(line: TerminalLine, *, in_terminal: bool) -> int:
    """Be the program's terminal, or its pipes, until it has ended; returns the exit status for it.

    The local terminal is afterwards as it was before, whatever happened.
    """
    sys.stdout.flush()
    keyboard = Keyboard(line, Escape() if in_terminal else None)
    try:
        with _signals(keyboard, in_terminal=in_terminal), _raw(in_terminal=in_terminal):
            keyboard.start()
            ended = _until_ended(line, keyboard)
    except _EndedFromOutside as asked:
        return 128 + asked.number
    except Exception:
        if keyboard.has_left:
            say("\nThe connection was left; the program ends by that.", "dim", console=stderr())
            return _LEFT_STATUS
        raise
    if ended.why:
        say(f"The program was ended. {sanitise(ended.why)}", console=stderr())
    return _status_of(ended)


def _status_of(ended: Ended) -> int:
    if ended.status is not None:
        return ended.status
    found = getattr(signal, ended.signal or "", None)
    return 128 + int(found) if isinstance(found, signal.Signals) else 255


def _until_ended(line: TerminalLine, keyboard: Keyboard) -> Ended:
    written = 0
    while True:
        message = line.receive()
        if isinstance(message, bytes):
            _write(_STDERR if message[:1] == ERRORS else _STDOUT, memoryview(message)[1:])
            written += len(message) - 1
            if written >= _TELL_AFTER:
                keyboard.say(Took(written))
                written = 0
        elif isinstance(message, Taken):
            keyboard.granted(message.bytes)
        elif isinstance(message, Ended):
            return message
        elif isinstance(message, Failed):
            raise error_of(message)


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            # Whoever has the other end made it so.
            select.select([], [descriptor], [])


@contextmanager
def _raw(*, in_terminal: bool) -> Iterator[None]:
    """Every key goes to the program, Ctrl-C too."""
    if not in_terminal:
        yield
        return
    before = termios.tcgetattr(_STDIN)
    try:
        tty.setraw(_STDIN, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(_STDIN, termios.TCSANOW, before)


@contextmanager
def _signals(keyboard: Keyboard, *, in_terminal: bool) -> Iterator[None]:
    """What this process hears reaches the program, but for what ends this process itself."""
    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = dict.fromkeys(_ENDING, _end)
    if in_terminal:
        handlers[signal.SIGWINCH] = lambda _number, _frame: keyboard.say(Resize(*_sides()))
    else:
        handlers |= {one: lambda number, _frame: keyboard.say(_signal(number)) for one in _FOR_THE_PROGRAM}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(number: int) -> Signal:
    return Signal("SIGINT" if number == signal.SIGINT else "SIGQUIT")


def _end(number: int, _frame: FrameType | None) -> None:
    raise _EndedFromOutside(number)


def _sides() -> tuple[int, int]:
    try:
        found = os.get_terminal_size(_STDOUT)
    except OSError:
        found = _SMALLEST
    columns, rows = found.columns or _SMALLEST.columns, found.lines or _SMALLEST.lines
    return min(columns, SIDE_MAX), min(rows, SIDE_MAX)
