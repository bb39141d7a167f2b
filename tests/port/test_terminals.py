"""Programs that people open, over each way of starting them: streams, statuses, terminals, and what ends them."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
from collections.abc import Iterator

import pytest

from potions.host.terminals import OpenProgram, Terminals
from potions.layout import Colour
from potions.model.service import Service
from potions.model.terminal import ProgramEnd, Purpose, TerminalProgram, Window
from support.platform import COMMAND_TIMEOUT, wait_for
from support.supervised import Stage

#: TIOCGPTN of <asm-generic/ioctls.h>, for which ``termios`` has no name.
_NUMBER_OF_TERMINAL = 0x80045430
#: Says its size whenever it hears that it has another one.
SIZES = "trap 'stty size' WINCH; stty size; echo ready; while :; do read line && echo heard $line; done"


class Opening:
    """What a test opens; all of it is ended afterwards."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.terminals = Terminals(stage.home)
        self._opened: list[OpenProgram] = []

    def __call__(self, text: str, window: Window | None = None, *, app: str = "", **variables: str) -> OpenProgram:
        """Run a text in a shell."""
        service = self.stage.service("", name=f"{app}.blue" if app else "", **variables)
        assert service.app_directory is not None
        name = service.app_directory.name
        program = TerminalProgram(
            app=name,
            colour=Colour.BLUE,
            purpose=Purpose.RUN,
            token=f"{len(self._opened):012}",
            argv=("sh", "-c", text),
            app_directory=service.app_directory,
            directory=service.directory,
            env_file=_marked(service, name),
            account=service.account,
            window=window,
        )
        self._opened.append(self.terminals.open(lambda _count: program))
        return self._opened[-1]

    def close(self) -> None:
        for one in self._opened:
            one.end()
            one.wait()
            self.terminals.forget(one)


def _marked(service: Service, app: str):  # type: ignore[no-untyped-def]
    """The variables' file with the marks that a slot's has."""
    with service.env_file.open("ab") as file:
        file.write(f"POTIONS_DIR={service.app_directory}\0POTIONS_SLOT=blue\0POTIONS_APP={app}\0".encode())
    return service.env_file


@pytest.fixture
def opening(stage: Stage) -> Iterator[Opening]:
    made = Opening(stage)
    yield made
    made.close()
    assert not list(stage.home.run.glob("*.terminal.json"))


def read(descriptor: int | None, until: bytes = b"") -> bytes:
    """What comes, up to a text or to the end."""
    assert descriptor is not None
    data = b""
    while not until or until not in data:
        assert select.select([descriptor], [], [], COMMAND_TIMEOUT)[0], data
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            piece = b""
        if not piece:
            assert not until, data
            break
        data += piece
    return data


def test_both_streams_and_the_status_are_its_own(opening: Opening) -> None:
    """Apart, and to their ends."""
    one = opening("echo out; echo err >&2; echo own > /dev/stdout; exit 3", VALUE="x")
    assert read(one.streams.output) == b"out\nown\n"
    assert read(one.streams.errors) == b"err\n"
    assert one.wait() == ProgramEnd(3)


@pytest.mark.parametrize(("text", "status"), [("exit 0", 0), ("exit 130", 130), ("no-such", 127)])
def test_every_status_is_told(opening: Opening, text: str, status: int) -> None:
    """Also those that a shell uses for signals."""
    assert opening(text).wait() == ProgramEnd(status)


@pytest.mark.parametrize("name", ["KILL", "TERM", "INT", "HUP", "PIPE"])
def test_a_signal_is_no_success(opening: Opening, name: str) -> None:
    """As itself, or as a shell tells it, where only statuses are told."""
    number = signal.Signals[f"SIG{name}"]
    end = opening(f"kill -{name} $$; sleep 100").wait()
    assert end in {ProgramEnd(None, number.name), ProgramEnd(128 + number)}


def test_it_reads_what_is_typed_and_the_end_of_it(opening: Opening) -> None:
    """Through a pipe."""
    one = opening("cat; echo end")
    assert one.streams.input is not None
    os.write(one.streams.input, b"a\0b\xff\n")
    one.streams.end_input()
    assert read(one.streams.output) == b"a\0b\xff\nend\n"


def test_it_has_its_variables_its_directory_and_its_user(opening: Opening) -> None:
    """And TERM where there is a terminal."""
    one = opening('echo "$VALUE|$TERM|$PORT|$POTIONS_PROCESS|$(pwd)|$(id -u)"', Window(80, 24, "vt100"), VALUE="x y")
    program = one.program
    told = f"x y|vt100||run.{program.token}|{program.directory}|{program.account.uid}"
    assert told in read(one.streams.output).decode()


def test_a_terminal_has_a_size_and_its_keys(opening: Opening) -> None:
    """It controls the program's session: a new size is told, Ctrl-C interrupts."""
    one = opening(SIZES, Window(101, 33))
    assert b"33 101" in read(one.streams.output, b"ready")
    one.streams.resize(77, 22)
    assert one.streams.input is not None
    os.write(one.streams.input, b"x\n")
    assert b"22 77" in read(one.streams.output, b"heard x")
    os.write(one.streams.input, b"\x03")
    assert one.wait() in {ProgramEnd(None, "SIGINT"), ProgramEnd(130)}


def test_a_signal_reaches_the_program_and_not_who_waits_for_it(opening: Opening) -> None:
    """What it does then is its own affair, and its status is told."""
    one = opening("trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done")
    read(one.streams.output, b"ready\n")
    one.signal(signal.SIGINT)
    assert read(one.streams.output) == b"caught\n"
    assert one.wait() == ProgramEnd(9)


def test_what_is_ended_is_gone_with_all_that_came_of_it(opening: Opening) -> None:
    """Also what ignores SIGHUP, or has a session of its own."""
    one = opening("trap '' HUP TERM; setsid sleep 3600 & echo ready; sleep 3601", Window(80, 24))
    read(one.streams.output, b"ready")
    assert opening.stage.running(_place(one))
    opening.terminals.end_slot(one.program.app, Colour.BLUE, "because")
    assert one.why == "because"
    assert not opening.stage.running(_place(one))
    one.wait()


def test_what_stays_behind_ends_with_the_program(opening: Opening) -> None:
    """The end of the program is the end of all of it."""
    one = opening("setsid sleep 3600 & exit 4")
    assert one.wait() == ProgramEnd(4)
    one.end()
    wait_for(lambda: not opening.stage.running(_place(one)), "all of it has ended")


def test_only_what_is_meant_is_ended(opening: Opening) -> None:
    """Another app's goes on, also where one name begins like the other."""
    one, other = opening("echo ready; sleep 3600", app="shop"), opening("echo ready; sleep 3600", app="shop2")
    read(one.streams.output, b"ready")
    read(other.streams.output, b"ready")
    opening.terminals.end_slot("shop", Colour.BLUE, "")
    assert not opening.stage.running(_place(one))
    assert opening.stage.running(_place(other))
    opening.terminals.end_slot("shop2", Colour.GREEN, "")
    assert opening.stage.running(_place(other))


def test_the_next_agent_ends_what_one_that_was_killed_had_opened(opening: Opening) -> None:
    """By what it is: nobody remembers it."""
    one = opening("trap '' HUP TERM; echo ready; sleep 3600")
    read(one.streams.output, b"ready")
    Terminals(opening.stage.home).end_leftovers()
    wait_for(lambda: not opening.stage.running(_place(one)), "it has ended")


def test_no_other_program_of_the_user_can_open_the_terminal(opening: Opening) -> None:
    """It is the platform's own: the program has it by its descriptors."""
    if not opening.stage.account.switch:
        pytest.skip("needs root")
    one = opening("echo ready; sleep 3600", Window(80, 24))
    read(one.streams.output, b"ready")
    (number,) = struct.unpack("I", fcntl.ioctl(one.streams.output, _NUMBER_OF_TERMINAL, bytes(4)))
    other = opening(f"exec 3<> /dev/pts/{number}")
    assert other.wait() != ProgramEnd(0)


def _place(one: OpenProgram) -> Service:
    """The service whose directory it works in."""
    return one.program.service


def test_the_stage_sees_what_runs(opening: Opening) -> None:
    """The look that the tests above rely on finds a process, and no process that has ended."""
    one = opening("echo ready; sleep 3600")
    read(one.streams.output, b"ready")
    wait_for(lambda: "sleep" in {process.name() for process in opening.stage.running(_place(one))}, "it is seen")
