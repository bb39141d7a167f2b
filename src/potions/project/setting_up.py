"""What `potions init` would change in a project, decided before anything is written."""

from __future__ import annotations

import difflib
from enum import StrEnum

import msgspec

from potions.errors import PotionsError
from potions.manifest import parse_manifest
from potions.model.plan import Manifest
from potions.names import APP_NAME_MAX
from potions.project.evidence import Project, health_route
from potions.project.framework import propose
from potions.project.gitignore import with_storage
from potions.project.manifest_text import manifest_text
from potions.project.proposal import Proposal

MANIFESTS = ("potions.toml", "rel/overlays/potions.toml")
"""Where the manifest of a project may be: at its top, or where a Mix release takes it from."""
GITIGNORE = ".gitignore"
_CONTEXT = 2


class FileState(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    """It has in it what it has to."""
    KEPT = "kept"
    """It is there, and not ours to change."""


class FilePlan(msgspec.Struct, frozen=True):
    """A file of the project, before and after."""

    path: str
    state: FileState
    text: str
    """All that it holds afterwards."""
    before: str = ""


class Setup(msgspec.Struct, frozen=True):
    """Everything that `potions init` found out and would do. With ``--json`` this is what it prints."""

    app: str
    framework: str
    evidence: tuple[str, ...]
    files: tuple[FilePlan, ...]
    differs: tuple[str, ...]
    """What a manifest that is there says otherwise than a new one would, a line each."""
    notes: tuple[str, ...]
    starts: bool
    """Whether a release would say how to start it."""
    deploy: str
    """What `potions deploy` is given, relative to the project."""
    named: bool = True
    """Whether the manifest names this app, so that a deploy need not."""
    written: bool = False

    @property
    def changes(self) -> list[FilePlan]:
        """The files that would be written."""
        return [file for file in self.files if file.state in {FileState.NEW, FileState.CHANGED}]


def plan_setup(project: Project, app: str) -> Setup:
    """Decide what to write for an app of this name. A manifest that is there is never touched."""
    proposal = propose(project)
    text = manifest_text(proposal, app, health_route(project), project.shipped)
    manifest, differs, starts = _manifest(project, proposal, text)
    return Setup(
        app=app,
        framework=proposal.framework,
        evidence=proposal.evidence,
        # A tree that ships with the release has to stay in Git.
        files=(manifest,) if project.shipped else (manifest, _gitignore(project)),
        differs=tuple(differs),
        notes=proposal.notes,
        starts=starts or proposal.starts_by_itself,
        deploy=proposal.deploy,
        named=_existing(project) is None or app_of(project) == app,
    )


def app_of(project: Project) -> str | None:
    """The app that the project's manifest names; None where there is none, it names none or cannot be read."""
    try:
        return parse_manifest(project.text(_existing(project) or "")).app
    except PotionsError:
        return None


def suggested_name(text: str) -> str | None:
    """A name for an app that looks like ``text``, to be agreed to; None where nothing of it could be one."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.lower())
    name = "-".join(word for word in kept.split("-") if word).lstrip("0123456789-")[:APP_NAME_MAX].rstrip("-")
    return name or None


def changed_lines(file: FilePlan) -> list[str]:
    """The difference that writing a file makes, as `diff -u` shows it, without its head."""
    before, after = file.before.splitlines(), file.text.splitlines()
    return list(difflib.unified_diff(before, after, n=_CONTEXT, lineterm=""))[3:]


def _existing(project: Project) -> str | None:
    return next((path for path in MANIFESTS if path in project.files), None)


def _manifest(project: Project, proposal: Proposal, text: str) -> tuple[FilePlan, list[str], bool]:
    path = _existing(project)
    if path is None:
        return FilePlan(proposal.manifest, FileState.NEW, text), [], bool(proposal.start.value)
    there = project.text(path)
    try:
        own = parse_manifest(there)
    except PotionsError as error:
        return FilePlan(path, FileState.KEPT, there, there), [f"It cannot be used: {error.what} {error.why}"], False
    return FilePlan(path, FileState.KEPT, there, there), differences(own, parse_manifest(text)), own.start is not None


def differences(own: Manifest, proposed: Manifest) -> list[str]:
    """What a manifest says otherwise than the proposed one; what the latter leaves open is no difference."""
    pairs = [
        ("app", own.app, proposed.app),
        ("[build] command", own.build, proposed.build),
        ("[run] start", own.start, proposed.start),
        ("[run] migrate", own.migrate, proposed.migrate),
        ("[health] path", own.health.path, proposed.health.path),
        *((f"[env] {name}", own.env.get(name), value) for name, value in proposed.env.items()),
    ]
    return [
        f"{key} is {_shown(there)}; init would write {_shown(wanted)}"
        for key, there, wanted in pairs
        if wanted is not None and _shown(there) != _shown(wanted)
    ]


def _shown(value: str | None) -> str:
    return "not set" if value is None else f'"{" ".join(value.split())}"'


def _gitignore(project: Project) -> FilePlan:
    before = project.text(GITIGNORE)
    after = with_storage(before)
    if after == before:
        return FilePlan(GITIGNORE, FileState.SAME, after, before)
    state = FileState.CHANGED if GITIGNORE in project.files else FileState.NEW
    return FilePlan(GITIGNORE, state, after, before)
