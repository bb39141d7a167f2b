"""What the API takes and answers: the one description that agent, client and command line share."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from potions.layout import Colour
from potions.model.deployment import Deployment, Kind, Release, Status
from potions.model.doctor.checkup import Checkup, FixRequest, Looked, Treated, Treatment
from potions.model.doctor.finding import Finding, Severity
from potions.model.event import Event, EventKind
from potions.model.history import DeploymentBrief
from potions.model.plan import Strategy
from potions.model.release_diff import FileChange, FileKind, FileLook, ReleaseDiff, Total
from potions.model.service import Phase
from potions.model.stored import (
    Existing,
    FolderPut,
    FolderUse,
    Order,
    SentFile,
    SentFolder,
    StoredEntry,
    StoredFolder,
    StoredKind,
    StoredRemoval,
    Use,
)
from potions.model.variable import Liveness, Variable, VariableAct, VariableEvent

__all__ = [
    "AppCreate",
    "AppDetail",
    "AppSummary",
    "Checkup",
    "Colour",
    "Deployed",
    "Deployment",
    "DeploymentBrief",
    "DeploymentCreate",
    "DotenvText",
    "ErrorBody",
    "Event",
    "EventKind",
    "Existing",
    "FileChange",
    "FileKind",
    "FileLook",
    "Finding",
    "FixRequest",
    "FolderPut",
    "FolderUse",
    "Kind",
    "Liveness",
    "LogLine",
    "Looked",
    "Order",
    "Part",
    "Phase",
    "PlatformStatus",
    "ProcessDetail",
    "Release",
    "ReleaseDiff",
    "ReleaseEntry",
    "ReleaseState",
    "Removal",
    "RestoreRequest",
    "RollbackPreview",
    "RollbackRequest",
    "RollbackVariables",
    "RollbackWay",
    "SentFile",
    "SentFolder",
    "Severity",
    "SlotDetail",
    "Status",
    "StorageUse",
    "StorageUseLine",
    "StoredEntry",
    "StoredFolder",
    "StoredKind",
    "StoredRemoval",
    "Strategy",
    "Total",
    "TrashEntry",
    "Treated",
    "Treatment",
    "Use",
    "Variable",
    "VariableAct",
    "VariableEvent",
    "VariablesChange",
    "VariablesChanged",
]


class ErrorBody(msgspec.Struct, frozen=True):
    """Every refusal, whatever the route: what ``errors.PotionsError`` says."""

    code: str
    what: str
    why: str = ""
    do: str = ""
    exit_status: int = 1
    retry: bool = False


class AppCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Make an app. ``name`` is parsed by the agent, so that its error says the rule."""

    name: str


class Deployed(msgspec.Struct, frozen=True):
    """What a slot holds."""

    number: int
    label: str
    at: datetime | None


class AppSummary(msgspec.Struct, frozen=True):
    """A line of ``potions apps list``."""

    name: str
    address: str
    serves: Deployed | None
    """None while nothing was deployed."""
    live: Colour
    state: str
    """``empty``, ``running``, ``starting`` (it runs, and does not listen yet), ``stopped``, ``stopping``, ``crashing``,
    ``crashed``, ``down``, ``gone`` (its folder was removed by hand), or ``damaged`` (a file by which Potions knows its
    slots was)."""
    created: datetime
    strategy: Strategy | None = None
    """How what serves wants to be followed; None while nothing was deployed."""


class ProcessDetail(msgspec.Struct, frozen=True):
    """A worker of a slot."""

    name: str
    phase: Phase
    pid: int
    memory_bytes: int


class SlotDetail(msgspec.Struct, frozen=True):
    """One slot."""

    colour: Colour
    port: int
    phase: Phase
    live: bool
    draining: bool
    holds: Deployed | None
    pid: int
    in_flight: int
    memory_bytes: int
    """Of everything that runs in the slot, workers included."""
    standby_until: datetime | None = None
    """It served before, and is kept running until then: a rollback to it takes a moment."""
    workers: list[ProcessDetail] = []


class AppDetail(msgspec.Struct, frozen=True):
    """Everything about an app on one page."""

    summary: AppSummary
    directory: str
    storage: str
    storage_bytes: int
    storage_files: int
    slots: list[SlotDetail]
    last: Deployment | None
    running: Deployment | None
    """The deployment that runs or waits now."""
    rollback_to: Deployment | None
    unsaved: int = 0
    """Variables that are saved but not live, or removed and still live."""


class Removal(msgspec.Struct, frozen=True):
    """What deleting an app took away, or would take away."""

    name: str
    storage_bytes: int
    storage_files: int
    total_bytes: int
    total_files: int
    restorable_until: datetime | None
    """None for a purge, and for an app whose directory was gone."""


class TrashEntry(msgspec.Struct, frozen=True):
    """A deleted app that can be brought back."""

    name: str
    deleted: datetime
    restorable_until: datetime
    total_bytes: int
    total_files: int


class RestoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bring a deleted app back, under its old name or another one."""

    new_name: str | None = None


class DeploymentCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deploy a release that was sent, or (without one) the release that serves, with the variables saved now."""

    release: str | None = None


class ReleaseState(StrEnum):
    """What a release is to its app now."""

    SERVES = "serves"
    ROLLBACK = "rollback"
    """A rollback goes back to it."""
    KEPT = "kept"
    """It served once, and can be gone back to."""
    WAITING = "waiting"
    """A deployment of it runs or waits."""
    UNSERVED = "unserved"
    """Its archive is kept, but it never served."""
    PRUNED = "pruned"
    """Its archive was removed to make room for newer ones. Sent again, it is kept again under its label."""
    MISSING = "missing"
    """Its archive should be there, and somebody removed or changed it by hand."""


class ReleaseEntry(msgspec.Struct, frozen=True):
    """A line of ``potions releases``."""

    release: Release
    state: ReleaseState
    deployments: list[DeploymentBrief]
    """The newest first."""


class RollbackVariables(StrEnum):
    """Which variables a rollback runs with, besides the automatic ones, which are made anew."""

    THEN = "then"
    """Those that its target ran with."""
    CURRENT = "current"
    """Those that are saved now."""


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Go back: to what served directly before, or ``to`` a release (``r12``) or a deployment (``12``)."""

    to: str | None = None
    env: RollbackVariables = RollbackVariables.THEN


class RollbackWay(StrEnum):
    """What has to be done before the target can serve."""

    RUNNING = "running"
    """Nothing: the other slot runs it still."""
    HELD = "held"
    """It is started: the other slot holds it, built and ready."""
    UNPACK = "unpack"
    """Its archive is unpacked, and built again where it has a build."""


class RollbackPreview(msgspec.Struct, frozen=True):
    """What a rollback would do."""

    serves: Deployment
    target: Deployment
    way: RollbackWay
    builds: bool
    """It has a build, which runs again. Only with the way ``unpack``."""
    seconds: float | None
    """What unpacking and building took the last time; None where that is not known, or not needed."""
    variables: list[str]
    """Names of variables that change against what serves now. Saved ones stay as they are."""
    not_live: list[str]
    """Names of variables that are saved and not live afterwards, or removed and live again."""


class VariablesChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Set and remove variables in one go: all of it or nothing. ``dotenv`` is the text of a ``.env`` file."""

    set: dict[str, str] = {}
    unset: list[str] = []
    dotenv: str | None = None
    replace: bool = False
    """Remove what a person had set and the file does not have. Automatic variables stay."""
    version: str = ""
    """That of a preview: where the variables were changed since, nothing is done."""

    def __repr__(self) -> str:
        return f"VariablesChange(set={sorted(self.set)}, unset={self.unset}, replace={self.replace})"


class VariablesChanged(msgspec.Struct, frozen=True):
    """What a change did, or would do. Names only; a value is never sent back."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: list[str]
    kept: list[str] = []
    """What it does not name, and leaves as it is."""
    version: str = ""
    """Of the saved variables, as they are now. Each write makes another one."""

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


class DotenvText(msgspec.Struct, frozen=True):
    """Saved variables as the text of a ``.env`` file."""

    text: str
    names: list[str]
    left_out: list[str]

    def __repr__(self) -> str:
        return f"DotenvText(names={self.names})"


class LogLine(msgspec.Struct, frozen=True):
    """A line an app printed."""

    slot: Colour
    text: str
    process: str = "web"
    """``web``, or the worker that printed it."""


class Part(msgspec.Struct, frozen=True):
    """A part of the platform."""

    name: str
    running: bool
    pid: int
    detail: str


class PlatformStatus(msgspec.Struct, frozen=True):
    """What ``potions status`` shows."""

    version: str
    home: str
    http_port: int
    first_port: int
    app_user: str
    parts: list[Part]
    apps: list[AppSummary]
    running: list[Deployment]
    """Deployments that run or wait, in the order of the queue."""


class StorageUse(msgspec.Struct, frozen=True):
    """A storage, or a folder of it: where it is, and what it holds."""

    app: str
    directory: str
    """The storage itself: what the app finds in STORAGE_DIR."""
    owner: str
    """The user that apps run as."""
    free_bytes: int
    """What is left on the disk that it lies on."""
    use: Use


class StorageUseLine(msgspec.Struct, frozen=True):
    """A line while a storage is measured: what was counted so far; the last one says it all."""

    files: int
    bytes: int
    result: StorageUse | None = None
