"""Programs that people open in an app's live slot: all that are open now, each with its streams and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from potions import launcher
from potions.errors import CommandNotStarted
from potions.host.files import remove_tree, write_atomically
from potions.host.processes import (
    end_processes,
    every_opened_process,
    family_of,
    members_of,
    opened_processes,
    send,
    wait_for_end,
)
from potions.host.terminal_streams import Streams, open_pipes, open_terminal
from potions.layout import Colour, Home
from potions.model.terminal import ProgramEnd, TerminalProgram, is_opened
from potions.render.terminal import render_terminal_spec

#: Seconds between SIGHUP and SIGKILL for what a person opened.
HANG_UP_GRACE = 3.0


class OpenProgram:
    """A program that a person opened, as a child of this process in a session of its own."""

    def __init__(self, program: TerminalProgram, streams: Streams, process: subprocess.Popen[bytes]) -> None:
        self.program = program
        self.streams = streams
        self.ended = os.pidfd_open(process.pid)
        """A descriptor that can be read once the program has ended."""
        self.why = ""
        """Why it was ended, where it did not do so by itself."""
        self._process = process

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and all in its group."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def end(self, why: str = "") -> None:
        """End it with all that came of it: SIGHUP, as a terminal that is closed, then SIGKILL. Waits for that."""
        self.why = self.why or why
        found = self._members()
        send(found, signal.SIGHUP)
        # What was stopped by Ctrl-Z would notice only then.
        send(found, signal.SIGCONT)
        wait_for_end(self._members, HANG_UP_GRACE)
        end_processes(self._members, 0.0)

    def wait(self) -> ProgramEnd:
        """Wait for the program itself, and say how it ended."""
        return _end_of(self._process.wait())

    def close(self) -> None:
        """Give its streams back. For a program that has ended."""
        self.streams.close()
        if self.ended >= 0:
            os.close(self.ended)
            self.ended = -1

    def _members(self) -> set[int]:
        """By its marks, its group and by descent: it has none of the first before it has become the program."""
        family = family_of(self._process.pid) if self._process.poll() is None else set[int]()
        marked = opened_processes(self.program.app_directory, self.program.process)
        return marked | family | members_of({self._process.pid})


class Terminals:
    """All that people have opened in one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._open: dict[str, OpenProgram] = {}
        # Held from the look at which slot is live until the program is known here: so a deploy that retires that slot
        # either finds it, or was seen.
        self._changing = threading.Lock()

    def open(self, choose: Callable[[int], TerminalProgram]) -> OpenProgram:
        """Start what ``choose`` decides on. It is told how many are open, and may raise.

        Raises CommandNotStarted where the system has no room for another one.
        """
        with self._changing:
            program = choose(len(self._open))
            started = self._start(program)
            self._open[program.name] = started
            return started

    def count(self, app: str) -> int:
        """How many are open of an app. Called by ``choose``, too."""
        return sum(one.program.app == app for one in list(self._open.values()))

    def forget(self, one: OpenProgram) -> None:
        """It has ended: nothing is left of it."""
        if self._open.pop(one.program.name, None) is not None:
            one.close()
            remove_tree(self._spec(one.program.name), below=self._home.run)

    def end_slot(self, app: str, colour: Colour, why: str) -> None:
        """End what is open in a slot, all at once, and wait until it has ended."""
        self._end(lambda program: (program.app, program.colour) == (app, colour), why)

    def end_all(self, why: str) -> None:
        """End all that is open."""
        self._end(lambda _program: True, why)

    def end_leftovers(self) -> None:
        """End what an agent that was killed had opened: nobody can reach it any more."""
        end_processes(lambda: every_opened_process(self._home.apps), 0.0)
        for spec in self._home.programs.glob("*.*.*.*.json"):
            if is_opened(spec.name.split(".")[2]):
                remove_tree(spec, below=self._home.run)

    def _end(self, is_meant: Callable[[TerminalProgram], bool], why: str) -> None:
        with self._changing:
            meant = [one for one in self._open.values() if is_meant(one.program)]
        ending = [threading.Thread(target=one.end, args=(why,)) for one in meant]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()

    def _start(self, program: TerminalProgram) -> OpenProgram:
        spec = self._spec(program.name)
        write_atomically(spec, render_terminal_spec(program), 0o600)
        try:
            streams = open_pipes(program.account) if program.window is None else open_terminal(program.window)
            process = _spawn([sys.executable, "-I", "-S", str(Path(launcher.__file__)), str(spec)], streams)
        except OSError as error:
            remove_tree(spec, below=self._home.run)
            raise CommandNotStarted("The program cannot be started.", why=f"{error.strerror or error}.") from error
        return OpenProgram(program, streams, process)

    def _spec(self, name: str) -> Path:
        return self._home.program(name).with_suffix(".json")


def _spawn(argv: list[str], streams: Streams) -> subprocess.Popen[bytes]:
    stdin, stdout, stderr = streams.theirs
    try:
        return subprocess.Popen(
            argv, stdin=stdin, stdout=stdout, stderr=stderr, env={}, cwd="/", start_new_session=True
        )
    except OSError:
        streams.close()
        raise
    finally:
        streams.hand_over()


def _end_of(returncode: int) -> ProgramEnd:
    if returncode >= 0:
        return ProgramEnd(returncode)
    try:
        return ProgramEnd(None, signal.Signals(-returncode).name)
    except ValueError:
        return ProgramEnd(None, f"signal {-returncode}")
