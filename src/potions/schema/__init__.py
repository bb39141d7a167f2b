"""What the API takes and answers: the one description that agent, client, command line and dashboard share."""

from __future__ import annotations

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
    ArchiveFormat,
    Existing,
    FolderPut,
    FolderUse,
    Order,
    SentFile,
    SentFolder,
    StorageSample,
    StoredEntry,
    StoredFolder,
    StoredKind,
    StoredRemoval,
    Use,
)
from potions.model.variable import Liveness, Variable, VariableAct, VariableEvent
from potions.schema.apps import (
    AppCreate,
    AppDetail,
    AppSummary,
    Deployed,
    ProcessDetail,
    Removal,
    RestoreRequest,
    SlotDetail,
    TrashEntry,
)
from potions.schema.deployments import (
    DeploymentCreate,
    ReleaseEntry,
    ReleaseState,
    RollbackPreview,
    RollbackRequest,
    RollbackVariables,
    RollbackWay,
)
from potions.schema.platform import ErrorBody, LogLine, Part, PlatformStatus
from potions.schema.storage import StorageUse, StorageUseLine
from potions.schema.variables import DotenvText, VariablesChange, VariablesChanged

__all__ = [
    "AppCreate",
    "AppDetail",
    "AppSummary",
    "ArchiveFormat",
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
    "StorageSample",
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
