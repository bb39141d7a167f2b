"""Phoenix and other Mix projects. What is deployed is a Mix release, so the manifest has to be one of its overlays."""

from __future__ import annotations

import re

from potions.project.evidence import Project
from potions.project.proposal import Proposal, Setting

_APP = re.compile(r"^\s*app:\s*:([a-z]\w*)", re.MULTILINE)
_FALLBACK = 'System.get_env("STORAGE_DIR") || Path.expand("storage")   (config/runtime.exs)'
_MANIFEST = "rel/overlays/potions.toml"


def mix_proposal(project: Project) -> Proposal | None:
    """What fits a Mix project; None where this is none."""
    if "mix.exs" not in project.files:
        return None
    mix = project.text("mix.exs")
    name = _APP.search(mix)
    release = name[1] if name else "NAME"
    phoenix = re.search(r"\{\s*:phoenix\s*,", mix) is not None
    return Proposal(
        "Phoenix" if phoenix else "Elixir",
        ("phoenix in mix.exs" if phoenix else "mix.exs",),
        start=Setting(why=f"A Mix release needs no start command: Potions finds bin/{release} by itself."),
        migrate=Setting(why="Where the release has bin/migrate, that runs first, while the old release serves."),
        starts_by_itself=True,
        manifest=_MANIFEST,
        notes=tuple(_notes(project, phoenix=phoenix)),
        fallback=_FALLBACK,
        deploy=f"_build/prod/rel/{release}",
    )


def _notes(project: Project, *, phoenix: bool) -> list[str]:
    notes = [f"A Mix release has at its top what lies in rel/overlays, so the file is {_MANIFEST}."]
    if "apps_path:" in project.text("mix.exs"):
        notes.append("This is an umbrella: name the release in mix.exs (releases: [NAME: [applications: …]]).")
    if phoenix and "ecto" in project.text("mix.exs") and "rel/overlays/bin/migrate" not in project.files:
        notes.append("There is no rel/overlays/bin/migrate yet; mix phx.gen.release makes it, and a module to migrate.")
    return notes
