"""Programs that people open in an app's live slot: all that are open now, each with its streams and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable

from potions.errors import CommandNotStarted
from potions.host.files import remove_tree, write_atomically
from potions.host.terminal_launch import Launch, LaunchHere, LaunchUnit, Process
from potions.host.terminal_streams import Streams, open_pipes, open_terminal
from potions.layout import TERMINAL_SUFFIX, Colour, Home, Server
from potions.model.terminal import ProgramEnd, TerminalProgram

_SPEC_MODE = 0o600
#: All that the child itself finds; the program finds what its slot has.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


class OpenProgram:
    """A program that a person opened, as a child of this process in a session of its own."""

    def __init__(self, program: TerminalProgram, streams: Streams, process: Process, launch: Launch) -> None:
        self.program = program
        self.streams = streams
        self.ended = os.pidfd_open(process.pid)
        """A descriptor that can be read once the program has ended."""
        self.why = ""
        """Why it was ended, where it did not do so by itself."""
        self._process = process
        self._launch = launch

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and all in its group."""
        self._launch.signal(self.program, self._process, number)

    def end(self, why: str = "") -> None:
        """End it with all that came of it: SIGHUP, as a terminal that is closed, then SIGKILL. Waits for that."""
        if self._process.poll() is None:
            self.why = self.why or why
        self._launch.end(self.program, self._process)

    def wait(self) -> ProgramEnd:
        """Wait for the program itself, and say how it ended."""
        return _end_of(self._process.wait())

    def close(self) -> None:
        """Give its streams back. For a program that has ended."""
        self.streams.close()
        if self.ended >= 0:
            os.close(self.ended)
            self.ended = -1


class Terminals:
    """All that people have opened in one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._launch: Launch = LaunchUnit(home) if isinstance(home, Server) else LaunchHere(home)
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
            remove_tree(self._home.terminal(one.program.name), below=self._home.run)

    def end_slot(self, app: str, colour: Colour, why: str) -> None:
        """End what is open in a slot, all at once, and wait until it has ended."""
        self._end(lambda program: (program.app, program.colour) == (app, colour), why)

    def end_all(self, why: str) -> None:
        """End all that is open."""
        self._end(lambda _program: True, why)

    def end_leftovers(self) -> None:
        """End what an agent that was killed had opened: nobody can reach it any more."""
        self._launch.end_leftovers()
        for spec in self._home.run.glob(f"*{TERMINAL_SUFFIX}"):
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
        spec = self._home.terminal(program.name)
        write_atomically(spec, self._launch.spec(program), _SPEC_MODE)
        try:
            streams = open_pipes(program.account) if program.window is None else open_terminal(program.window)
            process = _spawn(self._launch.command(program, spec), streams, is_session=self._launch.is_session)
        except OSError as error:
            remove_tree(spec, below=self._home.run)
            raise CommandNotStarted("The program cannot be started.", why=f"{error.strerror or error}.") from error
        return OpenProgram(program, streams, process, self._launch)


def _spawn(argv: list[str], streams: Streams, *, is_session: bool) -> Process:
    stdin, stdout, stderr = streams.theirs
    try:
        return subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=is_session,
            process_group=None if is_session else 0,
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
