"""The platform's own epmd, Erlang's port mapper, on a port of its own.

An Erlang node starts an epmd where none runs, from its own slot's directory: it would hold that directory, and end
with that app's service while nodes of other apps still need it.
"""

from __future__ import annotations

import shlex
import threading
import time
from pathlib import Path

from potions.errors import PortBusy, StartFailed
from potions.flows.ports import Supervisor
from potions.host.files import write_atomically
from potions.host.processes import is_port_free, listener_on
from potions.host.trees import Trees
from potions.layout import AppTree, Colour, Home
from potions.model.service import Account, Phase, Service

#: No app's service has a name without a dot, so this collides with none.
EPMD_SERVICE = "epmd"
_START_TIMEOUT = 10.0


class SlotEpmds:
    """On a server a slot's node starts an epmd itself, on a port of its slot's own: within its own walls.

    One for all would have to come from some app's release, which would then tell the nodes of every other app where
    their peers are. systemd ends it with its slot, wherever it began a session of its own.
    """

    is_of_slots = True

    def __init__(self, first: int, first_port: int) -> None:
        self._distance = first - first_port

    def ensure_port_mapper(self, tree: AppTree, colour: Colour, port: int) -> int:  # noqa: ARG002 - the port says it
        """The port of the epmd of the slot that listens on ``port``."""
        return port + self._distance


class Epmd:
    """Has an epmd run as soon as the first Erlang release needs one."""

    is_of_slots = False

    def __init__(self, home: Home, port: int, supervisor: Supervisor, trees: Trees, account: Account) -> None:
        self._home = home
        self._port = port
        self._supervisor = supervisor
        self._trees = trees
        self._account = account
        self._starting = threading.Lock()

    def ensure_port_mapper(self, tree: AppTree, colour: Colour, port: int) -> int:  # noqa: ARG002 - one for all slots
        """Have it run, from the program that the release in that slot brings along; returns its port.

        Raises StartFailed where the release has none and none runs, or where it does not come up, and PortBusy where
        somebody else listens on its port.
        """
        with self._starting:
            if self._supervisor.state(EPMD_SERVICE).phase is not Phase.RUNNING:
                self._start(tree, colour)
        return self._port

    def _start(self, tree: AppTree, colour: Colour) -> None:
        if not is_port_free(self._port):
            raise PortBusy(
                f"Port {self._port}, which the Erlang port mapper (epmd) of this home needs, is taken.",
                why=f"{listener_on(self._port) or 'Another program'} listens on it.",
                do="End that program, then deploy again.",
            )
        program = self._home.epmd / "epmd"
        found = self._trees.find_epmd(tree, colour)
        if found is not None:
            write_atomically(program, found, 0o755)
        elif not program.exists():
            raise StartFailed(
                "There is no epmd for this Erlang release.",
                why="It was built without its own Erlang (include_erts: false), so it brings none along.",
                do="Build it with include_erts: true, which is the default.",
            )
        self._supervisor.install(self._service(program))
        self._supervisor.start(EPMD_SERVICE)
        self._wait()

    def _service(self, program: Path) -> Service:
        # Where it is still there after a restart of the computer: a server starts it again without the agent.
        environment = self._home.epmd / "environment"
        write_atomically(environment, b"PATH=/usr/bin:/bin\0", 0o600)
        return Service(
            name=EPMD_SERVICE,
            command=f"exec {shlex.quote(str(program))} -address 127.0.0.1 -port {self._port}",
            directory=Path("/"),
            env_file=environment,
            log_file=self._home.logs / "epmd.log",
            account=self._account,
            stop_timeout=2.0,
            restart=True,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while is_port_free(self._port):
            if time.monotonic() > deadline:
                raise StartFailed("epmd did not come up.", do=f"See {self._home.logs / 'epmd.log'}")
            time.sleep(0.02)
