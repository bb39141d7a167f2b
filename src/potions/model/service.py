"""What a process supervisor is asked to run, and what it says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from potions.layout import Colour

#: The parts of an embedded Potions as the supervisor calls them, in the order in which they start.
PARTS = ("caddy", "agent", "dashboard")


#: What systemd says where a program could not even be prepared: its files or its walls were refused (systemd.exec).
NOT_HANDED_OVER, NO_WALLS = 243, 226


class Account(msgspec.Struct, frozen=True):
    """The system user that apps run as. ``switch`` is False where Potions itself already is that user."""

    name: str
    uid: int
    gid: int
    switch: bool


class Limits(msgspec.Struct, frozen=True):
    """What one program of an app may use at most, where the supervisor can hold it to that. None: no limit."""

    memory: int | None = None
    """In bytes, with its file cache: at the limit it is made smaller first, then a process is ended."""
    cpu: int | None = None
    """In percent of one processor: 150 is one and a half."""
    tasks: int | None = None
    """Processes and threads."""


class Service(msgspec.Struct, frozen=True):
    """A program of an app: a slot's ``web``, a worker beside it, or a one-shot such as its migration.

    No value of a variable is in here: the launcher reads them from ``env_file``.
    """

    name: str
    """Unique below one home: ``blog.blue`` or ``blog.blue.migrate``. App names have no dot, so nothing collides."""
    command: str
    """Text for ``/bin/sh -c``."""
    directory: Path
    env_file: Path
    log_file: Path
    account: Account
    stop_timeout: float
    """Seconds between SIGTERM and SIGKILL, both to the whole group."""
    restart: bool
    """Start it again when it ends by itself; False for a one-shot."""
    own_variables: Mapping[str, str | None] = {}
    """What this program finds beside or instead of ``env_file``'s; None: not at all. No secrets: it is not sealed."""
    app_directory: Path | None = None
    """The directory of its app: the only one of all apps that it sees. None for a program of the platform's."""
    limits: Limits = Limits()
    journal_fields: Mapping[str, str] = {}
    """What stands beside each line it prints, where the supervisor keeps a journal: by this it is found again."""


def slot_service(app: str, colour: Colour) -> str:
    """The name of a slot's ``web`` service."""
    return f"{app}.{colour.value}"


def worker_service(app: str, colour: Colour, worker: str) -> str:
    """The name of a worker's service in a slot."""
    return f"{_workers_of(app, colour)}{worker}"


def worker_services(names: Iterable[str], app: str, colour: Colour) -> list[str]:
    """Those of the services that are workers of a slot."""
    return sorted(name for name in names if name.startswith(_workers_of(app, colour)))


def worker_of(name: str) -> str:
    """The worker that a service of that name runs."""
    return name.split(".", 3)[3]


def _workers_of(app: str, colour: Colour) -> str:
    return f"{slot_service(app, colour)}.worker."


def task_service(app: str, colour: Colour, task: str) -> str:
    """The name of a one-shot that runs in a slot."""
    return f"{app}.{colour.value}.{task}"


class Phase(StrEnum):
    """What a service is doing, in words that hold for every supervisor."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING = "running"
    STOPPING = "stopping"
    EXITED = "exited"
    """Ended by itself, and not started again."""
    CRASHING = "crashing"
    """Ended by itself and waiting to be started again."""


class ServiceState(msgspec.Struct, frozen=True):
    """A look at one service."""

    phase: Phase
    pid: int = 0
    exit_status: int | None = None
    since: float = 0.0
    """Unix time of the last start."""
