"""What the API takes and answers: the one description that agent, client and command line share."""

from __future__ import annotations

from datetime import datetime

import msgspec

from potions.layout import Colour
from potions.model.deployment import Deployment, Kind, Release, Status
from potions.model.event import Event, EventKind
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
from potions.model.variable import Liveness, Variable

__all__ = [
    "AppCreate",
    "AppDetail",
    "AppSummary",
    "Colour",
    "Deployed",
    "Deployment",
    "DeploymentCreate",
    "ErrorBody",
    "Event",
    "EventKind",
    "Existing",
    "FolderPut",
    "FolderUse",
    "Kind",
    "Liveness",
    "LogLine",
    "Order",
    "Part",
    "Phase",
    "PlatformStatus",
    "Release",
    "Removal",
    "RestoreRequest",
    "SentFile",
    "SentFolder",
    "SlotDetail",
    "Status",
    "StorageUse",
    "StorageUseLine",
    "StoredEntry",
    "StoredFolder",
    "StoredKind",
    "StoredRemoval",
    "TrashEntry",
    "Use",
    "Variable",
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
    """``empty``, ``running``, ``stopped``, ``stopping``, ``crashing``, ``crashed``, ``down``, ``gone`` (its folder was
    removed by hand), or ``damaged`` (a file by which Potions knows its slots was)."""
    created: datetime


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


class VariablesChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Set and remove variables in one go: all of it or nothing. ``dotenv`` is the text of a ``.env`` file."""

    set: dict[str, str] = {}
    unset: list[str] = []
    dotenv: str | None = None


class VariablesChanged(msgspec.Struct, frozen=True):
    """What a change did. Names only; a value is never sent back."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: list[str]


class LogLine(msgspec.Struct, frozen=True):
    """A line an app printed."""

    slot: Colour
    text: str


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
