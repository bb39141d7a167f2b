"""A program of an app that a person opens, in a terminal or between pipes, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from potions.layout import Colour
from potions.model.service import Account, Limits, Service, task_service

#: Beyond these no screen goes; a program would make buffers for it.
SIDE_MAX = 2000
#: Seconds between SIGHUP and SIGKILL for what a person opened.
HANG_UP_GRACE = 3.0
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,39}\Z", re.ASCII)
#: What a program is told where the terminal does not say what it is, or says something that is no name.
PLAIN_TERM = "xterm-256color"


class Purpose(StrEnum):
    """What a program was opened for."""

    CONSOLE = "console"
    RUN = "run"


class Window(msgspec.Struct, frozen=True):
    """How large a terminal is, in characters, and what kind it says it is."""

    columns: int
    rows: int
    term: str = PLAIN_TERM


class TerminalProgram(msgspec.Struct, frozen=True):
    """A program to open in a slot. No value of a variable is in here: the launcher reads them from ``env_file``."""

    app: str
    colour: Colour
    purpose: Purpose
    token: str
    """Tells it from all others that are open."""
    argv: tuple[str, ...]
    """Its words; the first is looked for in PATH."""
    app_directory: Path
    directory: Path
    env_file: Path
    account: Account
    window: Window | None = None
    """None: pipes, with standard error apart."""
    path_first: tuple[str, ...] = ()
    """Folders in front of PATH."""
    limits: Limits = Limits()

    @property
    def name(self) -> str:
        """``blog.blue.console.4f…``, unique below one home as the names of services are."""
        return task_service(self.app, self.colour, self.process)

    @property
    def service(self) -> Service:
        """The same as a service: the walls around it are those of every program of its app."""
        return Service(
            name=self.name,
            command="",
            directory=self.directory,
            env_file=self.env_file,
            log_file=self.app_directory / "logs" / "none",
            account=self.account,
            stop_timeout=HANG_UP_GRACE,
            restart=False,
            app_directory=self.app_directory,
            limits=self.limits,
        )

    @property
    def process(self) -> str:
        """What its processes carry as ``POTIONS_PROCESS``."""
        return f"{self.purpose.value}.{self.token}"

    @property
    def own_variables(self) -> Mapping[str, str | None]:
        """What it finds beside or instead of its slot's variables. No PORT: that is the port of ``web`` alone."""
        own: dict[str, str | None] = {"POTIONS_PROCESS": self.process, "PORT": None, "TERM": None}
        if self.window is not None:
            own["TERM"] = self.window.term
        return own


def is_opened(process: str) -> bool:
    """Whether ``POTIONS_PROCESS`` says that a person opened this."""
    return process.partition(".")[0] in set(Purpose)


class ProgramEnd(msgspec.Struct, frozen=True):
    """How a program ended: its exit status, or the signal that ended it."""

    status: int | None
    signal: str | None = None
    """``SIGTERM``."""

    def __str__(self) -> str:
        return f"status {self.status}" if self.signal is None else self.signal


def term_of(said: str) -> str:
    """The kind of a terminal as its program may be told: names of other shapes could be paths."""
    return said if _TERM.match(said) else PLAIN_TERM
