"""How a release is run, setting by setting: what counts, where that comes from, and what would count without it."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from potions.model.plan import DRAIN, Health, Manifest, Process, RunPlan, Worker


class Origin(StrEnum):
    """Where a setting comes from."""

    MANIFEST = "potions.toml"
    PROCFILE = "Procfile"
    MIX_RELEASE = "Mix release"
    DEFAULT = "default"
    """It is as if nothing was said; who wrote down the same value sees this, too."""


class Setting(msgspec.Struct, frozen=True):
    """One key of ``potions.toml``."""

    table: str
    key: str
    value: str
    """As people read it; empty where there is none."""
    origin: Origin
    default: str = ""
    """What counts where nothing is said."""


class WorkerSetting(msgspec.Struct, frozen=True):
    """A worker, as it is run."""

    name: str
    command: str
    start: str
    optional: bool
    origin: Origin


_ANY_BELOW_500 = "any below 500"
#: What a Mix release is started and migrated with where nothing else is said, quoted where its name needs it.
_OF_MIX = re.compile(r"(bin/[\w@%+=:,./-]+|'bin/[^']+') start|bin/migrate")


def settings_of(plan: RunPlan) -> list[Setting]:
    """Every setting of a release but its workers and variables, in the order of ``docs/potions-toml.md``."""
    said, default = plan.manifest, Manifest()
    return [
        _command(plan, "start", plan.start, said.start),
        _command(plan, "migrate", plan.migrate, said.migrate),
        _setting("run", "console", said.console or "", ""),
        _setting("build", "command", said.build or "", ""),
        _setting("health", "path", said.health.path or "/", "/"),
        _setting("health", "status", _good(said.health), _ANY_BELOW_500),
        _setting("health", "timeout", duration(said.health.timeout), duration(default.health.timeout)),
        _setting("deploy", "strategy", said.strategy.value, default.strategy.value),
        _setting("deploy", "drain", duration(said.drain), duration(DRAIN[said.strategy])),
        _setting("deploy", "standby", duration(said.standby), duration(default.standby)),
        _setting("deploy", "stop_timeout", duration(said.stop_timeout), duration(default.stop_timeout)),
        _setting("deploy", "keep", str(said.keep), str(default.keep)),
        _setting("storage", "shipped", said.shipped.value, default.shipped.value),
    ]


def workers_of(plan: RunPlan) -> list[WorkerSetting]:
    """The workers, in their order."""
    return [_worker(worker, plan.manifest.processes.get(worker.name)) for worker in plan.workers]


def duration(seconds: float) -> str:
    """Seconds as ``potions.toml`` has them: ``30s``, ``10m``, ``2h``, ``500ms``."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds * 1000:g}ms" if 0 < seconds < 1 else f"{seconds:g}s"


def _setting(table: str, key: str, value: str, default: str) -> Setting:
    return Setting(table, key, value, Origin.DEFAULT if value == default else Origin.MANIFEST, default)


def _command(plan: RunPlan, key: str, value: str | None, said: str | None) -> Setting:
    if value is None:
        return Setting("run", key, "", Origin.DEFAULT)
    if said is not None:
        return Setting("run", key, value, Origin.MANIFEST)
    return Setting("run", key, value, Origin.MIX_RELEASE if _is_of_mix(plan, value) else Origin.PROCFILE)


def _is_of_mix(plan: RunPlan, command: str) -> bool:
    """Whether a Mix release has this command by itself."""
    return plan.erlang and _OF_MIX.fullmatch(command) is not None


def _good(health: Health) -> str:
    if health.path is None:
        return _ANY_BELOW_500
    return str(health.lowest) if health.lowest == health.highest else f"{health.lowest}-{health.highest}"


def _worker(worker: Worker, said: Process | None) -> WorkerSetting:
    origin = Origin.MANIFEST if said is not None else Origin.PROCFILE
    return WorkerSetting(worker.name, worker.command, worker.start.value, worker.optional, origin)
