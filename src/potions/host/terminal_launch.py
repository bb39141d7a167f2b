"""How a program that a person opens is started and ended: as a child of the agent, or as a unit of systemd."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from potions import launcher
from potions.host.processes import (
    end_processes,
    every_opened_process,
    family_of,
    members_of,
    opened_processes,
    send,
    wait_for_end,
)
from potions.host.systemd import signal_unit, stop_units
from potions.layout import Colour, Home, Server
from potions.model.terminal import HANG_UP_GRACE, Purpose, TerminalProgram
from potions.render.systemd import unit_name
from potions.render.terminal import render_terminal_command, render_terminal_spec

Process = subprocess.Popen[bytes]

_POLL = 0.05
#: Seconds for systemd to start a unit that is to be stopped already, and to stop it.
_PATIENCE = 20.0


class Launch(Protocol):
    """What differs between an embedded home and a server. ``process`` is the child that ends with the program."""

    is_session: bool
    """Whether the child begins a session of its own, and so may have the terminal as its own."""

    def spec(self, program: TerminalProgram) -> bytes: ...
    def command(self, program: TerminalProgram, spec: Path) -> list[str]: ...
    def signal(self, program: TerminalProgram, process: Process, number: signal.Signals) -> None: ...
    def end(self, program: TerminalProgram, process: Process) -> None:
        """End all that came of it: SIGHUP, then SIGKILL. Returns when that is done."""

    def end_leftovers(self) -> None:
        """The same for all that an agent which was killed had opened."""


class LaunchHere:
    """The program is a child of the agent, in a session of its own, and known by the marks in its environment."""

    is_session = True

    def __init__(self, home: Home) -> None:
        self._home = home

    def spec(self, program: TerminalProgram) -> bytes:
        return render_terminal_spec(program)

    def command(self, program: TerminalProgram, spec: Path) -> list[str]:  # noqa: ARG002 - the spec says it all
        return [sys.executable, "-I", "-S", str(Path(launcher.__file__)), str(spec)]

    def signal(self, program: TerminalProgram, process: Process, number: signal.Signals) -> None:  # noqa: ARG002
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)

    def end(self, program: TerminalProgram, process: Process) -> None:
        def members() -> set[int]:
            # It has no marks before it has become the program.
            family = family_of(process.pid) if process.poll() is None else set[int]()
            marked = opened_processes(program.app_directory, program.process)
            return marked | family | members_of({process.pid})

        found = members()
        send(found, signal.SIGHUP)
        # What was stopped by Ctrl-Z would notice only then.
        send(found, signal.SIGCONT)
        wait_for_end(members, HANG_UP_GRACE)
        end_processes(members, 0.0)

    def end_leftovers(self) -> None:
        end_processes(lambda: every_opened_process(self._home.apps), 0.0)


class LaunchUnit:
    """The program is a unit with the same walls as its app's; the child is the ``systemd-run`` that waits for it."""

    #: As the leader of a session it would take the terminal from the program.
    is_session = False

    def __init__(self, server: Server) -> None:
        self._server = server

    def spec(self, program: TerminalProgram) -> bytes:
        return render_terminal_spec(program, handed=True)

    def command(self, program: TerminalProgram, spec: Path) -> list[str]:
        return render_terminal_command(self._server, program, spec)

    def signal(self, program: TerminalProgram, process: Process, number: signal.Signals) -> None:
        if process.poll() is None:
            signal_unit(unit_name(program.name), number)

    def end(self, program: TerminalProgram, process: Process) -> None:
        deadline = time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            # Again, where systemd-run had not made it yet.
            stop_units(unit_name(program.name))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL)
        if process.poll() is None:
            process.kill()

    def end_leftovers(self) -> None:
        stop_units(*(f"*-{colour}.{purpose}.*.service" for colour in Colour for purpose in Purpose))
