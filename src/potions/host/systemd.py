"""systemd behind the supervisor port: a unit for each service, started by what ``.live`` says."""

from __future__ import annotations

import errno
import functools
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from potions.errors import NoRoom, StillRunning, SupervisorRefused
from potions.host.files import remove_tree, replace_link, write_atomically
from potions.host.processes import never
from potions.layout import Server
from potions.model.service import PARTS, Phase, Service, ServiceState
from potions.render.spec import render_spec
from potions.render.systemd import render_unit, starting_marker, unit_name

_POLL = 0.02
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
_PATIENCE = 60.0
#: After SIGKILL: the kernel's own time, and systemd's.
_KILL_MARGIN = 10.0
_UNIT_MODE = 0o644
_SPEC_MODE = 0o600
_MARKER_MODE = 0o644
_TIMESTAMP = "%a %Y-%m-%d %H:%M:%S.%f UTC"
_WANTED_BY = "multi-user.target.wants"
#: What is asked of each unit.
_PROPERTIES = "Id,LoadState,ActiveState,SubState,MainPID,ExecMainCode,ExecMainStatus,ExecMainStartTimestamp"
#: What ``ExecMainCode`` says of a program that ended by itself, in the kernel's numbers (CLD_EXITED).
_BY_ITSELF = "1"


class Systemd:
    """The services of a server. What has no dot in its name is a part of the platform, which ``install`` has made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._changing = threading.Lock()

    def install(self, service: Service) -> None:
        unit, text = self._unit(service), self._text(service)
        with self._changing:
            write_atomically(self._server.spec(service.name), render_spec(service, handed=True), _SPEC_MODE)
            stale = [path for path in self._places(service.name) if path != unit and path.exists()]
            if not stale and unit.exists() and unit.read_bytes() == text:
                return
            # A one-shot that has ended counts as running for systemd, and would not be started anew.
            self._forget_end(service.name)
            for path in stale:
                self._remove_unit(path)
            self._write(service)
            _call("daemon-reload")

    def start(self, name: str) -> None:
        if self.state(name).phase in {Phase.ABSENT, Phase.RUNNING}:
            self._refuse_absent(name)
            return
        self._forget_end(name)
        if "." in name:
            _write_marker(starting_marker(self._server, name))
        # It waits until the program was executed, or could not be: then its state tells.
        _call("start", unit_name(name), accept_failure=True)

    def stop(self, names: list[str], grace: float, cut_short: Callable[[], bool] = never) -> None:
        units = [unit_name(name) for name in names]
        for name in names:
            remove_tree(starting_marker(self._server, name), below=self._server.starting)
        if not names:
            return
        _call("stop", "--no-block", *units, accept_failure=True)
        if not self._wait_for_end(names, grace, cut_short):
            _call("kill", "--signal=SIGKILL", *units, accept_failure=True)
            if not self._wait_for_end(names, _KILL_MARGIN):
                raise StillRunning(f"{', '.join(names)} does not end.", why="It outlived SIGTERM and SIGKILL.")
        # One that ended with another status than 0 when it was told to end has not failed.
        _call("reset-failed", *units, accept_failure=True)

    def state(self, name: str) -> ServiceState:
        return self._look([name])[name]

    def states(self) -> Mapping[str, ServiceState]:
        known = [path.name.removesuffix(".json") for path in self._server.programs.glob("*.json")]
        return self._look([*PARTS, *known])

    def is_running(self, name: str) -> bool:
        return self.state(name).phase is Phase.RUNNING

    def remove(self, name: str) -> None:
        self.stop([name], 0.0)
        with self._changing:
            for path in self._places(name):
                self._remove_unit(path)
            remove_tree(self._server.spec(name), below=self._server.programs)
            _call("daemon-reload")

    def renew(self, services: Iterable[Service]) -> None:
        with self._changing:
            old = [service for service in services if self._is_otherwise(service)]
            for service in old:
                self._write(service)
            if old:
                _call("daemon-reload")

    def mend(self, service: Service) -> None:
        """Write the unit of a service anew, as ``install`` would, and have it start with the computer.

        What runs of it runs on as it is; its spec is not touched.
        """
        with self._changing:
            self._write(service)
            _call("daemon-reload")

    def unit_of(self, service: Service) -> str:
        """What its unit is called."""
        return unit_name(service.name)

    def start_unit(self, unit: str) -> None:
        """Start a unit of the platform. Raises SupervisorRefused where it does not start."""
        _call("start", unit)

    def enable_unit(self, unit: str) -> None:
        """Have a unit start with the computer."""
        _call("enable", unit)

    def read_anew(self) -> None:
        """Have systemd take note of what lies on the disk."""
        _call("daemon-reload")

    def forget_start(self, marker: str) -> None:
        """Remove a file by which a slot would run that is not the live one."""
        remove_tree(self._server.starting / marker, below=self._server.starting)

    def keep_stopped(self, app: str, *, stopped: bool) -> None:
        """Whether the app's services stay down when the computer starts."""
        marker = self._server.stopped / app
        if marker.exists() == stopped:
            return
        if stopped:
            _write_marker(marker)
        else:
            remove_tree(marker, below=self._server.stopped)

    # What systemd says

    def _look(self, names: list[str]) -> dict[str, ServiceState]:
        units = {unit_name(name): name for name in names}
        answer = _call("show", "--timestamp=us+utc", f"--property={_PROPERTIES}", *units) if units else ""
        states = {name: ServiceState(Phase.ABSENT) for name in names}
        for block in answer.strip().split("\n\n"):
            said = dict(line.split("=", 1) for line in block.splitlines())
            if said.get("Id") in units:
                states[units[said["Id"]]] = _state(said)
        return states

    def _wait_for_end(self, names: list[str], seconds: float, cut_short: Callable[[], bool] = never) -> bool:
        deadline = time.monotonic() + seconds
        while any(state.phase in _UP for state in self._look(names).values()):
            if time.monotonic() > deadline or cut_short():
                return False
            time.sleep(_POLL)
        return True

    def _forget_end(self, name: str) -> None:
        if self.state(name).phase is Phase.EXITED:
            _call("stop", unit_name(name), accept_failure=True)
            _call("reset-failed", unit_name(name), accept_failure=True)

    def _refuse_absent(self, name: str) -> None:
        if self.state(name).phase is Phase.ABSENT:
            raise SupervisorRefused(f"systemd knows no {unit_name(name)}.", do="See: potions doctor")

    # Files

    def _unit(self, service: Service) -> Path:
        folder = self._server.units if service.restart else self._server.passing_units
        return folder / unit_name(service.name)

    def _places(self, name: str) -> Iterable[Path]:
        return self._server.units / unit_name(name), self._server.passing_units / unit_name(name)

    def _text(self, service: Service) -> bytes:
        return render_unit(self._server, service, version=systemd_version()).encode()

    def _is_otherwise(self, service: Service) -> bool:
        """A link is root's own doing, as of `systemctl mask`: it is left as it is."""
        unit = self._unit(service)
        return unit.is_file() and not unit.is_symlink() and unit.read_bytes() != self._text(service)

    def _write(self, service: Service) -> None:
        """Have it start with the computer, too. systemd has to be told of it."""
        unit = self._unit(service)
        write_atomically(unit, self._text(service), _UNIT_MODE)
        if service.restart:
            self._enable(unit)

    def _enable(self, unit: Path) -> None:
        link = unit.parent / _WANTED_BY / unit.name
        if not link.is_symlink():
            link.parent.mkdir(exist_ok=True)
            replace_link(link, f"../{unit.name}", link.with_name(f".{unit.name}.new"))

    def _remove_unit(self, unit: Path) -> None:
        remove_tree(unit.parent / _WANTED_BY / unit.name, below=unit.parent)
        remove_tree(unit, below=unit.parent)


def _write_marker(marker: Path) -> None:
    try:
        write_atomically(marker, b"", _MARKER_MODE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoRoom(f"{marker} could not be made: the disk is full.", do="Make room, then try again.") from error


_UP = {Phase.RUNNING, Phase.STOPPING, Phase.CRASHING}


def _state(said: Mapping[str, str]) -> ServiceState:
    phase = _phase(said)
    ended = phase is Phase.EXITED
    return ServiceState(
        phase=phase,
        pid=int(said["MainPID"]) if not ended else 0,
        exit_status=_exit_status(said) if ended else None,
        since=_unix_time(said["ExecMainStartTimestamp"]),
    )


def _phase(said: Mapping[str, str]) -> Phase:
    active, sub = said["ActiveState"], said["SubState"]
    if said["LoadState"] != "loaded":
        return Phase.ABSENT
    if active == "failed" or sub == "exited":
        return Phase.EXITED
    if sub in {"auto-restart", "auto-restart-queued"}:
        return Phase.CRASHING
    return _BY_ACTIVE.get(active, Phase.STOPPED)


_BY_ACTIVE = {
    "active": Phase.RUNNING,
    "reloading": Phase.RUNNING,
    "activating": Phase.RUNNING,
    "deactivating": Phase.STOPPING,
}


def _exit_status(said: Mapping[str, str]) -> int:
    """As a shell tells it: 128 and the number of the signal for what a signal ended."""
    status = int(said["ExecMainStatus"])
    return status if said["ExecMainCode"] in {_BY_ITSELF, "0"} else 128 + status


def _unix_time(text: str) -> float:
    """Of ``Fri 2026-11-27 21:42:31.090111 UTC``; 0 for what never was."""
    return datetime.strptime(text, _TIMESTAMP).replace(tzinfo=UTC).timestamp() if text else 0.0


@functools.cache
def systemd_version() -> int:
    """The number of systemd's version: 252 in Debian 12. Raises SupervisorRefused where there is none."""
    return int(_call("--version").split()[1].partition(".")[0])


def stop_units(*patterns: str) -> None:
    """Stop units that are loaded, by their names or patterns of them; one that is not there is fine."""
    _call("stop", *patterns, accept_failure=True)


def signal_unit(unit: str, number: signal.Signals) -> None:
    """Send a signal to all that runs in a unit; one that is not there is fine."""
    _call("kill", f"--signal={number.name}", unit, accept_failure=True)


def ask_systemd(*words: str) -> str:
    """What ``systemctl`` prints. Raises SupervisorRefused where it refuses."""
    return _call(*words)


def _call(*words: str, accept_failure: bool = False) -> str:
    """What ``systemctl`` prints. Raises SupervisorRefused where it refuses, unless that is accepted."""
    command = ["systemctl", "--no-pager", "--no-ask-password", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=_ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SupervisorRefused("systemd does not answer.", why=str(error)) from error
    if done.returncode != 0 and not accept_failure:
        raise SupervisorRefused(f"systemd refused: systemctl {words[0]}", why=done.stderr.strip()[:500])
    return done.stdout
