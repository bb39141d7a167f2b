"""supervisord behind the supervisor port: one program per service, added and removed while it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, ProtocolError, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from potions import launcher
from potions.errors import StillRunning, SupervisorRefused
from potions.host.files import remove_tree, write_atomically
from potions.host.processes import members_of, never
from potions.layout import Home
from potions.model.service import Phase, Service, ServiceState
from potions.render.spec import render_spec
from potions.render.supervisord import render_program

_POLL = 0.02
#: After SIGKILL: the kernel's own time, and supervisord's loop that looks once a second.
_KILL_MARGIN = 10.0

_PHASES = {
    "STOPPED": Phase.STOPPED,
    "STARTING": Phase.RUNNING,
    "RUNNING": Phase.RUNNING,
    "BACKOFF": Phase.CRASHING,
    "STOPPING": Phase.STOPPING,
    "EXITED": Phase.EXITED,
    "FATAL": Phase.EXITED,
    "UNKNOWN": Phase.EXITED,
}


class Supervisord:
    """The supervisord of one embedded home, spoken to through its unix socket."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._changing = threading.Lock()

    def install(self, service: Service) -> None:
        spec = self._spec(service.name)
        argv = [sys.executable, "-I", "-S", str(Path(launcher.__file__)), str(spec)]
        program = self._home.program(service.name)
        text = render_program(service, argv).encode()
        with self._changing:
            text_of_spec = render_spec(service)
            write_atomically(spec, text_of_spec, 0o600)
            if program.exists() and program.read_bytes() == text and self._known(service.name):
                return
            # Forgotten first: so what supervisord knows is never older than the file, also after a crash on the way.
            self._call("stopProcess", service.name, accept=(Faults.NOT_RUNNING, Faults.BAD_NAME))
            self._forget(service.name)
            write_atomically(program, text, 0o600)
            self.drop_homeless()
            self._call("reloadConfig")
            self._call("addProcessGroup", service.name)

    def renew(self, services: Iterable[Service]) -> None:
        """Nothing is done: supervisord would start anew what it knows otherwise, and starts with each version anew."""

    def drop_homeless(self) -> None:
        """Remove the programs of apps whose directory somebody removed by hand.

        supervisord refuses its whole configuration, every other app's too, for one log file in a missing directory.
        What runs of them runs on; ``stop`` and ``remove`` still find it.
        """
        for program in self._home.programs.glob("*.*.conf"):
            app = program.name.partition(".")[0]
            if not self._home.app(app).logs.is_dir():
                remove_tree(program, below=self._home.run)

    def start(self, name: str) -> None:
        self._call("startProcess", name, False, accept=(Faults.ALREADY_STARTED,))

    def stop(self, names: list[str], grace: float, cut_short: Callable[[], bool] = never) -> None:
        groups = {self.state(name).pid for name in names} - {0}
        for name in names:
            self._tell_to_stop(name)
        if self._wait_for_end(names, groups, grace, cut_short):
            return
        for group in groups:
            _kill_group(group)
        if not self._wait_for_end(names, groups, _KILL_MARGIN):
            raise StillRunning(f"{', '.join(names)} does not end.", why="It outlived SIGTERM and SIGKILL.")

    def _tell_to_stop(self, name: str) -> None:
        self._call("stopProcess", name, False, accept=(Faults.NOT_RUNNING, Faults.BAD_NAME))

    def _wait_for_end(
        self, names: list[str], groups: set[int], seconds: float, cut_short: Callable[[], bool] = never
    ) -> bool:
        """Wait for the services and all of their groups: a shell may be gone long before what it started."""
        deadline = time.monotonic() + seconds
        while self._are_up(names, groups) or members_of(groups):
            if time.monotonic() > deadline or cut_short():
                return False
            time.sleep(_POLL)
        return True

    def _are_up(self, names: list[str], groups: set[int]) -> bool:
        # All of them are looked at, so that each that runs again is told again.
        up = [name for name in names if self._is_up(name, groups)]
        return bool(up)

    def _is_up(self, name: str, groups: set[int]) -> bool:
        """Whether it still runs; its process joins ``groups``, also one that was started meanwhile."""
        state = self.state(name)
        groups |= {state.pid} - {0}
        if state.phase in {Phase.RUNNING, Phase.CRASHING}:
            # It had ended by itself when it was to be stopped, and supervisord has started it again since.
            self._tell_to_stop(name)
        return state.phase in {Phase.STOPPING, Phase.RUNNING, Phase.CRASHING}

    def stop_all(self, names: Iterable[str]) -> None:
        """Stop many at once: each gets the time its own program asks for, and none waits for another."""
        waiting = set(names)
        for name in waiting:
            self._tell_to_stop(name)
        while any(state.phase is Phase.STOPPING for name, state in self.states().items() if name in waiting):
            time.sleep(_POLL)

    def is_running(self, name: str) -> bool:
        return self.state(name).phase is Phase.RUNNING

    def state(self, name: str) -> ServiceState:
        answer = self._call("getProcessInfo", name, accept=(Faults.BAD_NAME,))
        return _read_state(answer) if isinstance(answer, dict) else ServiceState(Phase.ABSENT)

    def states(self) -> Mapping[str, ServiceState]:
        return {info["name"]: _read_state(info) for info in self._call("getAllProcessInfo")}

    def remove(self, name: str) -> None:
        self.stop([name], 0.0)
        with self._changing:
            self._forget(name)
            for path in (self._home.program(name), self._spec(name)):
                remove_tree(path, below=self._home.run)

    def keep_stopped(self, app: str, *, stopped: bool) -> None:
        """Nothing to do: supervisord starts no app by itself."""

    def shut_down(self) -> None:
        """Have supervisord end, with every program it runs."""
        self._call("shutdown")

    def is_up(self) -> bool:
        """Whether a supervisord answers on this home's socket."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except SupervisorRefused:
            return False

    def _spec(self, name: str) -> Path:
        return self._home.program(name).with_suffix(".json")

    def _known(self, name: str) -> bool:
        return self.state(name).phase is not Phase.ABSENT

    def _forget(self, name: str) -> None:
        self._call("removeProcessGroup", name, accept=(Faults.BAD_NAME,))

    def _call(self, method: str, *arguments: object, accept: tuple[int, ...] = ()) -> Any:
        """Call supervisord. Returns None for a fault in ``accept``; raises SupervisorRefused for any other."""
        # A transport keeps one connection and is not safe between threads, so each call has its own.
        transport = SupervisorTransport(None, None, f"unix://{self._home.supervisor_socket}")
        proxy = ServerProxy("http://127.0.0.1", transport=cast(Any, transport))
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except Fault as fault:
            if fault.faultCode in accept:
                return None
            raise SupervisorRefused(f"supervisord refused {method}: {fault.faultString}") from fault
        except (OSError, ProtocolError, HTTPException, ExpatError) as error:
            raise SupervisorRefused(
                "supervisord does not answer.", why=str(error), do="Start Potions with: potions up"
            ) from error
        finally:
            transport.close()


def _kill_group(pid: int) -> None:
    """SIGKILL to what supervisord made a process group of. It is gone meanwhile: fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _read_state(info: dict[str, Any]) -> ServiceState:
    phase = _PHASES[info["statename"]]
    # supervisord forgets the status of what ended within its first second, and then says 0.
    known = info["statename"] == "EXITED"
    return ServiceState(
        phase=phase,
        pid=info["pid"],
        exit_status=info["exitstatus"] if known else None,
        since=float(info["start"]),
    )
