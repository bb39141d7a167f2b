"""From the files of an unpacked release to what runs in its slot."""

from __future__ import annotations

from potions.manifest import parse_manifest
from potions.model.plan import Manifest, ReleaseFiles, RunPlan
from potions.model.planning import plan_run
from potions.procfile import parse_procfile


def read_plan(files: ReleaseFiles) -> RunPlan:
    """Read what the release brings, and decide.

    Raises ManifestRefused, ProcfileRefused, ReservedVariable, VariableRefused or NoStartCommand.
    """
    manifest = Manifest() if files.manifest is None else parse_manifest(files.manifest)
    procfile = None if files.procfile is None else parse_procfile(files.procfile)
    return plan_run(files, manifest, procfile)
