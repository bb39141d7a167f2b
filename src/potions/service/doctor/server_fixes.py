"""What ``--fix`` does on a server alone: units, files by which slots start, the journal."""

from __future__ import annotations

from pathlib import Path

from potions.errors import InternalError
from potions.host.doctor.computer import keep_journal as keep_it
from potions.host.systemd import Systemd
from potions.model.doctor.finding import Finding
from potions.model.service import Service
from potions.service.doctor.bench import Bench
from potions.service.programs import programs_of


def start_unit(bench: Bench, finding: Finding) -> str:
    """Raises SupervisorRefused where it does not start."""
    _systemd(bench).start_unit(finding.place)
    return f"started {finding.place}"


def enable_unit(bench: Bench, finding: Finding) -> str:
    _systemd(bench).enable_unit(finding.place)
    return f"{finding.place} starts with the computer"


def read_units(bench: Bench, _finding: Finding) -> str:
    _systemd(bench).read_anew()
    return "had systemd read its units"


def write_unit(bench: Bench, finding: Finding) -> str:
    _systemd(bench).mend(_service(bench, finding.place))
    return f"wrote {finding.place} anew"


def forget_start(bench: Bench, finding: Finding) -> str:
    _systemd(bench).forget_start(Path(finding.place).name)
    return f"removed {finding.place}"


def set_stopped(bench: Bench, _finding: Finding) -> str:
    app = bench.the_app
    bench.context.supervisor.keep_stopped(app.name, stopped=app.app.stopped)
    return f"after a reboot {app.name} {'stays stopped' if app.app.stopped else 'runs again'}"


def keep_journal(_bench: Bench, _finding: Finding) -> str:
    keep_it()
    return "the journal is kept on the disk"


def _systemd(bench: Bench) -> Systemd:
    supervisor = bench.context.supervisor
    if not isinstance(supervisor, Systemd):
        raise InternalError("A fix of a server was asked for in an embedded home.")
    return supervisor


def _service(bench: Bench, unit: str) -> Service:
    for service, _ in programs_of(bench.context, bench.the_app.app):
        if _systemd(bench).unit_of(service) == unit:
            return service
    raise InternalError(f"No unit {unit} is wanted.")
