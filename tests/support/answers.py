"""Answers of the agent as tests need them: whole values with the interesting field given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from potions.model.deployment import Failure
from potions.names import AppName, ReleaseId
from potions.schema import (
    AppDetail,
    AppSummary,
    Colour,
    Deployed,
    Deployment,
    DeploymentBrief,
    Event,
    EventKind,
    FileChange,
    Kind,
    Part,
    Phase,
    PlatformStatus,
    Release,
    ReleaseDiff,
    ReleaseEntry,
    ReleaseState,
    Removal,
    RollbackPreview,
    RollbackWay,
    SlotDetail,
    Status,
    StorageUse,
    StorageUseLine,
    StoredEntry,
    StoredKind,
    Total,
    Use,
)

NOW = datetime.now(UTC).replace(microsecond=0)
HASH = ReleaseId("a" * 64)


def release(label: str = "r2", source: str = "blog-2.tar.gz") -> Release:
    return Release(HASH, label, "tar.gz", 22_300_000, source, NOW)


def deployment(number: int = 2, app: str = "blog", status: Status = Status.SUCCEEDED, **more: Any) -> Deployment:
    fields: dict[str, Any] = {
        "id": number + 1000,
        "app_id": 1,
        "app": AppName(app),
        "number": number,
        "kind": Kind.DEPLOY,
        "status": status,
        "release": release(f"r{number}"),
        "slot": Colour.GREEN,
        "previous": number - 1 if number > 1 else None,
        "target": None,
        "by": "ann",
        "created": NOW - timedelta(minutes=5),
        "began": NOW - timedelta(minutes=5),
        "ended": NOW - timedelta(minutes=5) + timedelta(seconds=4.2),
    }
    return Deployment(**(fields | more))


def failed(number: int = 2, app: str = "blog", failure: Failure | None = None) -> Deployment:
    told = failure or Failure("app-exited", "It ended before it answered.", "Exit status 3.", "Correct it.")
    return deployment(number, app, Status.FAILED, failure=told)


def entry(
    number: int, state: ReleaseState = ReleaseState.KEPT, deployments: list[DeploymentBrief] | None = None, **more: Any
) -> ReleaseEntry:
    """A release with one deployment, which has the same number and served."""
    found = [brief(number, served=number)] if deployments is None else deployments
    fields: dict[str, Any] = {"id": ReleaseId(f"{number:064x}"), "files": 1205, "unpacked_bytes": 18_000_000}
    return ReleaseEntry(msgspec.structs.replace(release(f"r{number}"), **(fields | more)), state, found)


def brief(number: int, status: Status = Status.SUCCEEDED, *, served: int | None = None) -> DeploymentBrief:
    return DeploymentBrief(number, Kind.DEPLOY, status, served)


def preview(way: RollbackWay = RollbackWay.HELD, **more: Any) -> RollbackPreview:
    fields: dict[str, Any] = {
        "serves": deployment(3),
        "target": deployment(2),
        "way": way,
        "builds": False,
        "seconds": None,
        "variables": [],
        "not_live": [],
    }
    return RollbackPreview(**(fields | more))


def diff(files: list[FileChange] | None = None, **more: Any) -> ReleaseDiff:
    fields: dict[str, Any] = {
        "before": entry(1).release,
        "after": entry(2).release,
        "added": Total(1, 1200),
        "removed": Total(0, 0),
        "changed_before": Total(2, 119_000),
        "changed_after": Total(2, 120_000),
        "unchanged": Total(1202, 17_900_000),
        "files": files or [],
        "left_out": 0,
    }
    return ReleaseDiff(**(fields | more))


def summary(name: str = "blog", state: str = "running", serves: Deployed | int | None = 2) -> AppSummary:
    held = Deployed(serves, f"r{serves}", NOW - timedelta(hours=3)) if isinstance(serves, int) else serves
    return AppSummary(name, f"http://{name}.localhost:8480", held, Colour.GREEN, state, NOW - timedelta(days=40))


def slot(colour: Colour, *, live: bool = False, number: int | None = None) -> SlotDetail:
    holds = Deployed(number, f"r{number}", NOW) if number else None
    phase = Phase.RUNNING if live else Phase.STOPPED
    return SlotDetail(colour, 4000, phase, live, False, holds, 4711 if live else 0, 0, 130_000_000 if live else 0)


def detail(name: str = "blog", state: str = "running", serves: Deployed | int | None = 2, **more: Any) -> AppDetail:
    fields: dict[str, Any] = {
        "summary": summary(name, state, serves),
        "directory": f"/opt/potions/{name}",
        "storage": f"/opt/potions/{name}/storage",
        "storage_bytes": 3_400_000,
        "storage_files": 12,
        "slots": [slot(Colour.BLUE, number=1), slot(Colour.GREEN, live=True, number=2)],
        "last": deployment(2, name),
        "running": None,
        "rollback_to": deployment(1, name),
        "unsaved": 0,
    }
    return AppDetail(**(fields | more))


def platform(apps: list[AppSummary] | None = None, running: list[Deployment] | None = None) -> PlatformStatus:
    parts = [Part("supervisor", True, 100, ""), Part("proxy", False, 0, "http://*.localhost:8480")]
    address = "http://potions.localhost:8480"
    return PlatformStatus("0.1.0", "/home/ann/potions", 8480, 4000, "ann", parts, apps or [], running or [], address)


def removal(name: str = "blog", restorable_until: datetime | None = NOW + timedelta(hours=72)) -> Removal:
    return Removal(name, 3_400_000, 12, 45_000_000, 2400, restorable_until)


def event(kind: EventKind, step: str = "", text: str = "", **more: Any) -> Event:
    return Event(NOW, kind, step, text, **more)


def good_deploy() -> list[Event]:
    return [
        event(EventKind.STATUS, text="building"),
        event(EventKind.BEGAN, "unpack"),
        event(EventKind.PROGRESS, "unpack", done=9_000_000, total=18_000_000),
        event(EventKind.ENDED, "unpack", seconds=0.31),
        event(EventKind.BEGAN, "start"),
        event(EventKind.OUTPUT, "start", "quiet while all is well"),
        event(EventKind.ENDED, "start", seconds=12.0),
        event(EventKind.STATUS, text="succeeded"),
    ]


def bad_deploy() -> list[Event]:
    return [
        event(EventKind.BEGAN, "verify"),
        event(EventKind.OUTPUT, "verify", "ValueError: [red]no[/red] \x1b]0;evil\x07database"),
        event(EventKind.FAILED, "verify", "It ended before it answered."),
        event(EventKind.UNDONE, "start"),
        event(EventKind.STATUS, text="failed"),
    ]


def stored(path: str = "a.jpg", kind: StoredKind = StoredKind.FILE, **more: Any) -> StoredEntry:
    fields: dict[str, Any] = {"name": path.rpartition("/")[2], "bytes": 1500, "modified": NOW, "mode": 0o644}
    if kind is not StoredKind.FILE:
        fields["bytes"] = 0
    return StoredEntry(path=path, kind=kind, **(fields | more))


def storage_use(**more: Any) -> StorageUseLine:
    """The last line of a measurement."""
    fields: dict[str, Any] = {
        "path": "",
        "bytes": 18_000_000,
        "disk_bytes": 20_000_000,
        "files": 3,
        "folders": 2,
        "newest": stored("uploads/a.jpg"),
        "biggest": [],
        "seconds": 0.25,
    }
    use = Use(**(fields | more))
    return StorageUseLine(use.files, use.bytes, StorageUse("blog", "/srv/blog/storage", "deploy", 80 * 10**9, use))
