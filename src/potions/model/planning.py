"""Decides what runs in a slot: the manifest first, then the Procfile, then what a Mix release has by itself."""

from __future__ import annotations

import shlex

import msgspec

from potions.errors import ManifestRefused, NoStartCommand
from potions.model.plan import Manifest, Process, ReleaseFiles, RunPlan, Worker

#: Each is a program of the supervisor, with a log and a connection to it of its own.
MOST_WORKERS = 50


class Procfile(msgspec.Struct, frozen=True):
    """The lines of a Procfile: ``web`` starts the app, ``release`` migrates, every other one is a worker."""

    web: str | None = None
    release: str | None = None
    workers: dict[str, str] = {}


def plan_run(files: ReleaseFiles, manifest: Manifest, procfile: Procfile | None) -> RunPlan:
    """Choose each command from the first place that names it.

    Raises NoStartCommand where none names how to start, and ManifestRefused for a worker without a command or too
    many of them. A Mix release stays one however it is started: it needs its node name in any case.
    """
    lines = procfile or Procfile()
    start = manifest.start or lines.web or _mix_start(files)
    if start is None:
        raise NoStartCommand(files.lookalikes)
    return RunPlan(
        start=start,
        migrate=manifest.migrate or lines.release or _mix_migrate(files),
        build=manifest.build,
        erlang=files.mix_name is not None,
        workers=_workers(manifest, lines),
        manifest=manifest,
    )


def _workers(manifest: Manifest, lines: Procfile) -> tuple[Worker, ...]:
    """Those of the Procfile in its order, then those that only the manifest names."""
    names = [*lines.workers, *(name for name in manifest.processes if name not in lines.workers)]
    if len(names) > MOST_WORKERS:
        raise ManifestRefused(
            f"The release has {len(names)} workers.",
            why=f"A slot runs at most {MOST_WORKERS}.",
            do="Have one worker start several processes or threads of its own.",
        )
    return tuple(_worker(name, manifest.processes.get(name, Process()), lines.workers.get(name)) for name in names)


def _worker(name: str, process: Process, line: str | None) -> Worker:
    command = process.command or line
    if command is None:
        raise ManifestRefused(
            f"potions.toml: [processes.{name}] has no command.",
            why=f"Neither is there a line {name}: in a Procfile.",
            do=f'Name it there, or as command = "…" below [processes.{name}].',
        )
    return Worker(name, command, process.start, process.optional)


def _mix_start(files: ReleaseFiles) -> str | None:
    return None if files.mix_name is None else f"{shlex.quote(f'bin/{files.mix_name}')} start"


def _mix_migrate(files: ReleaseFiles) -> str | None:
    return "bin/migrate" if files.mix_name is not None and files.mix_migrate else None
