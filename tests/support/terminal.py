"""Commands whose standard input is a terminal, with somebody who types."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from support.platform import COMMAND_TIMEOUT, Outcome, Platform


class InTerminal:
    """A command that runs in a terminal of its own, and what it printed there."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int, patience: float = COMMAND_TIMEOUT) -> None:
        self._process = process
        self._ours = ours
        self._patience = patience
        self._unread = b""

    def until(self, text: str) -> str:
        """Read until that was printed; returns everything up to it."""
        while text.encode() not in self._unread:
            more = self._read()
            assert more, f"it ended without {text!r}: {self._unread.decode()}"
            self._unread += more
        before, found, self._unread = self._unread.partition(text.encode())
        return _lines(before + found)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """What Ctrl-C does, to everything that runs in the terminal."""
        os.killpg(self._process.pid, signal.SIGINT)

    @property
    def shows_what_is_typed(self) -> bool:
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size. It controls no session, so the command is told by hand."""
        termios.tcsetwinsize(self._ours, (rows, columns))
        self._process.send_signal(signal.SIGWINCH)

    def settings(self) -> list[Any]:
        """What the terminal does with what is typed."""
        return termios.tcgetattr(self._ours)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def rest(self) -> str:
        """Read to the end of the command."""
        while more := self._read():
            self._unread += more
        told, self._unread = self._unread, b""
        return _lines(told)

    def status(self) -> int:
        return self._process.wait(timeout=self._patience)

    def _read(self) -> bytes:
        assert select.select([self._ours], [], [], self._patience)[0], "it printed nothing more, and did not end"
        try:
            return os.read(self._ours, 65536)
        except OSError:
            # What a terminal says once nobody has it open any more.
            return b""


#: ``with terminal("env", "list", "blog") as command: …``
Terminal = Callable[..., AbstractContextManager[InTerminal]]


@contextmanager
def in_terminal(
    *command: str,
    environment: Mapping[str, str],
    folder: Path | None = None,
    term: str = "dumb",
    patience: float = COMMAND_TIMEOUT,
) -> Iterator[InTerminal]:
    """Run a command in a terminal without colours, ended with the block; it may be silent for so many seconds."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": term},
            cwd=folder,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            yield InTerminal(process, ours, patience)
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(ours)


def type_into(potions: Platform, *words: str, typed: str) -> Outcome:
    """Run ``potions WORDS`` to its end, while ``typed`` waits in its terminal."""
    ours, theirs = pty.openpty()
    try:
        running = subprocess.Popen(
            ["potions", *words],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=potions.environment,
            cwd=potions.folder,
        )
        os.write(ours, typed.encode())
        out, err = running.communicate(timeout=COMMAND_TIMEOUT)
        return Outcome(running.returncode, out, err)
    finally:
        os.close(ours)
        os.close(theirs)


def _lines(printed: bytes) -> str:
    return printed.decode().replace("\r\n", "\n")
