"""Decides what runs in a slot: the manifest first, then the Procfile, then what a Mix release has by itself."""

from __future__ import annotations

import shlex

import msgspec

from potions.errors import NoStartCommand
from potions.model.plan import Manifest, ReleaseFiles, RunPlan


class Procfile(msgspec.Struct, frozen=True):
    """The lines of a Procfile that Potions runs: ``web`` starts the app, ``release`` migrates."""

    web: str | None = None
    release: str | None = None


def plan_run(files: ReleaseFiles, manifest: Manifest, procfile: Procfile | None) -> RunPlan:
    """Choose each command from the first place that names it; raises NoStartCommand where none names how to start.

    A Mix release stays one however it is started: it needs its node name in any case.
    """
    lines = procfile or Procfile()
    start = manifest.start or lines.web or _mix_start(files)
    if start is None:
        raise NoStartCommand
    return RunPlan(
        start=start,
        migrate=manifest.migrate or lines.release or _mix_migrate(files),
        build=manifest.build,
        erlang=files.mix_name is not None,
        manifest=manifest,
    )


def _mix_start(files: ReleaseFiles) -> str | None:
    return None if files.mix_name is None else f"{shlex.quote(f'bin/{files.mix_name}')} start"


def _mix_migrate(files: ReleaseFiles) -> str | None:
    return "bin/migrate" if files.mix_name is not None and files.mix_migrate else None
