"""Finds out what kind of project it is: the first kind that recognises it, or something else."""

from __future__ import annotations

import msgspec

from potions.errors import ProcfileRefused
from potions.procfile import parse_procfile
from potions.project.elixir import mix_proposal
from potions.project.evidence import Project
from potions.project.node import node_proposal
from potions.project.proposal import Proposal, Setting
from potions.project.python import python_proposal
from potions.project.ruby import rails_proposal

#: A project may have files of several kinds: Phoenix, Rails and Django ones often have a package.json for their assets.
_KINDS = (mix_proposal, rails_proposal, python_proposal, node_proposal)
_FOR_MACHINES = ("package.json", "pyproject.toml", "Pipfile")
_NO_STORAGE = (
    "None of the files that were looked at mentions STORAGE_DIR. What the app keeps has to be in that directory: all "
    "else is gone at a later deploy. To find it there, and in ./storage on this computer:"
)
_MARKERS = ("mix.exs", "Gemfile", "manage.py", "requirements.txt", "pyproject.toml", "package.json")


def propose(project: Project) -> Proposal:
    """What was found out. Nothing of the project was run."""
    found = next((proposal for kind in _KINDS if (proposal := kind(project))), None) or _something_else(project)
    noted = msgspec.structs.replace(found, notes=(*found.notes, *_notes(project, found)))
    return _with_procfile(project, noted)


def _something_else(project: Project) -> Proposal:
    below = sorted({path.rpartition("/")[0] for path in project.files if path.endswith(_MARKERS) and "/" in path})
    return Proposal(
        "something else",
        build=Setting(why="A command that runs in the slot first, where something has to be built.", example="make"),
        start=Setting(
            why="Not known: the command that starts the app. It has to listen on $PORT of 127.0.0.1.",
            example="./server --port $PORT",
        ),
        migrate=Setting(
            why="A command that runs before a new release starts, while the old one serves.", example="./migrate"
        ),
        notes=tuple(f"There seems to be a project in {folder}: potions init {folder}" for folder in below[:3]),
    )


def _notes(project: Project, proposal: Proposal) -> list[str]:
    """What holds for every kind of project."""
    notes = [f"{path} cannot be read; mend it first." for path in _FOR_MACHINES if project.is_broken(path)]
    asked = proposal.framework == "Rails" or any("package.json" in evidence for evidence in proposal.evidence)
    if "package.json" in project.files and proposal.build.value and not asked:
        notes.append("There is a package.json too: if it builds the pages' assets, add that to the build command.")
    if proposal.fallback and not project.mentions("STORAGE_DIR"):
        notes.append(f"{_NO_STORAGE}\n{proposal.fallback}")
    return notes


def _with_procfile(project: Project, proposal: Proposal) -> Proposal:
    """What a Procfile says is the project's own word: the manifest leaves it to it."""
    if "Procfile" not in project.files or proposal.manifest != "potions.toml":
        return proposal
    try:
        lines = parse_procfile(project.text("Procfile"))
    except ProcfileRefused as refused:
        return msgspec.structs.replace(proposal, notes=(*proposal.notes, f"{refused.what} {refused.why}"))
    return msgspec.structs.replace(
        proposal,
        evidence=(*proposal.evidence, "Procfile"),
        start=Setting(why="The Procfile's line web: says it.") if lines.web else proposal.start,
        migrate=Setting(why="The Procfile's line release: says it.") if lines.release else proposal.migrate,
        starts_by_itself=proposal.starts_by_itself or lines.web is not None,
    )
