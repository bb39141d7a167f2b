"""The store and the disk: each app, deleted app, release and deployment that one of them knows, the other knows too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from potions.model.deployment import Status
from potions.model.doctor.finding import Finding, Kind, Severity

APP_GONE = Kind(
    "app-gone",
    Severity.ERROR,
    "The directory of an app was removed, emptied or replaced by hand.",
    "Make it anew: potions apps create APP; or forget it: potions apps delete APP",
)
APP_DAMAGED = Kind(
    "app-damaged",
    Severity.ERROR,
    "A file or link by which Potions knows what an app's slots hold was removed or broken by hand.",
    "potions doctor APP --fix",
    "writes it anew from the database, which knows what served from which slot",
)
SLOT_GONE = Kind(
    "slot-gone",
    Severity.ERROR,
    "The files of an app's live slot were removed by hand.",
    "Unpack its release again: potions redeploy APP",
)
STORAGE_LINK_MISSING = Kind(
    "storage-link-missing",
    Severity.ERROR,
    "A slot has no ./storage: what its release writes there by that name is lost with the next deploy, or fails.",
    "potions doctor APP --fix",
    "makes the link",
)
STORAGE_LINK_REPLACED = Kind(
    "storage-link-replaced",
    Severity.ERROR,
    "Where a slot should have the link ./storage it has something else: what is written there goes at a later deploy.",
    "Move what is in it into the storage, remove it, then: potions doctor APP --fix",
)
APP_BUSY = Kind(
    "app-busy",
    Severity.INFO,
    "A deploy, a drain or another command works on an app, so what seemed wrong with it was not looked at twice.",
    "Look again when it is over",
)
LOOK_FAILED = Kind(
    "look-failed",
    Severity.WARNING,
    "Something could not be looked at.",
    "What kept it from it stands beside it",
)
DIRECTORY_STRAY = Kind(
    "directory-stray",
    Severity.WARNING,
    "Among the directories of the apps there is one that no app has. Potions never touches it.",
    "Look at what is in it, and move it away",
)
TRASH_STRAY = Kind(
    "trash-stray",
    Severity.WARNING,
    "Something is in the trash that Potions knows nothing of: it is never removed, and nothing can bring it back.",
    "Look at what is in it; move it away, or remove it",
)
TRASH_EMPTY = Kind(
    "trash-empty",
    Severity.WARNING,
    "The directory of a deleted app was removed from the trash by hand: the app cannot be brought back.",
    "Nothing: the app is forgotten when its time is over",
)
ARCHIVE_MISSING = Kind(
    "archive-missing",
    Severity.WARNING,
    "A kept archive is missing or has another size: its release cannot be deployed again.",
    "Send the release again: potions deploy PATH --app APP",
)
ARCHIVE_STRAY = Kind(
    "archive-stray",
    Severity.WARNING,
    "Among the kept archives there is a file that is no release of the app.",
    "Send the release again, if it is one: potions deploy PATH --app APP; or move it away",
)
LOG_STRAY = Kind(
    "log-stray",
    Severity.INFO,
    "There is the log of a deployment that the app does not have.",
    "Move it away, or remove it",
)
DEPLOYMENT_STUCK = Kind(
    "deployment-stuck",
    Severity.ERROR,
    "A deployment is under way by the records, and nobody works on it.",
    "potions down, then potions up: the start settles it",
)

KINDS = (
    APP_GONE,
    APP_DAMAGED,
    SLOT_GONE,
    STORAGE_LINK_MISSING,
    STORAGE_LINK_REPLACED,
    APP_BUSY,
    LOOK_FAILED,
    DIRECTORY_STRAY,
    TRASH_STRAY,
    TRASH_EMPTY,
    ARCHIVE_MISSING,
    ARCHIVE_STRAY,
    LOG_STRAY,
    DEPLOYMENT_STUCK,
)

#: Seconds. What waits for longer, while nothing else is deployed, waits in vain.
_PATIENCE = 60.0


class StorageLinkSeen(msgspec.Struct, frozen=True):
    """What a slot has under the name ``storage``."""

    path: str
    thing: str = ""
    """Empty where there is nothing of that name; ``link`` with its ``target``, ``directory``, ``file`` …"""
    target: str = ""


def judge_storage_link(app: str, seen: StorageLinkSeen, right: Iterable[str]) -> Iterator[Finding]:
    """``right``: the targets that lead to the storage."""
    if not seen.thing:
        yield STORAGE_LINK_MISSING.found(
            f"{seen.path} is missing.", app=app, place=seen.path, do=f"potions doctor {app} --fix"
        )
    elif seen.target not in set(right):
        what = f"leads to {seen.target}" if seen.target else f"is a {seen.thing}, and not a link"
        yield STORAGE_LINK_REPLACED.found(
            f"{seen.path} {what}.", app=app, place=seen.path, expected="It is a link to the storage."
        )


class ArchiveSeen(msgspec.Struct, frozen=True):
    """A file among the kept archives. ``age``: seconds since it was written."""

    path: str
    release: str
    """The hash in its name."""
    size: int
    age: float


class ArchiveKnown(msgspec.Struct, frozen=True):
    """A release, as the store remembers it."""

    label: str
    path: str
    size: int
    pruned: bool


def judge_archives(app: str, seen: Sequence[ArchiveSeen], known: Mapping[str, ArchiveKnown]) -> Iterator[Finding]:
    """Each kept release has its archive, and each archive its release. ``known`` by hash."""
    sizes = {one.path: one.size for one in seen}
    for release in known.values():
        if not release.pruned and sizes.get(release.path) != release.size:
            size = sizes.get(release.path)
            what = "is missing" if size is None else f"has {size:,} bytes instead of {release.size:,}"
            yield ARCHIVE_MISSING.found(
                f"{release.path}, the archive of {release.label}, {what}.", app=app, place=release.path
            )
    kept = {release.path for release in known.values() if not release.pruned}
    for one in seen:
        if one.path not in kept and one.age > _PATIENCE:
            yield _stray_archive(app, one, known.get(one.release))


def _stray_archive(app: str, seen: ArchiveSeen, release: ArchiveKnown | None) -> Finding:
    pruned = release is not None and release.pruned and release.path == seen.path
    what = f"is the archive of {release.label}, which is not kept any more" if pruned and release else "is no release"
    return ARCHIVE_STRAY.found(f"{seen.path}, {seen.size:,} bytes, {what}.", app=app, place=seen.path)


def judge_logs(app: str, numbers: Mapping[int, str], known: Iterable[int]) -> list[Finding]:
    """``numbers``: the deployments that have a log, and its path; ``known``: those that the app has."""
    there = set(known)
    return [
        LOG_STRAY.found(f"{path} is the log of no deployment.", app=app, place=path)
        for number, path in sorted(numbers.items())
        if number not in there
    ]


def judge_directories(names: Mapping[str, str], apps: Iterable[str]) -> list[Finding]:
    """``names``: what lies among the directories of the apps, and its path."""
    known = set(apps)
    return [
        DIRECTORY_STRAY.found(f"{path} is the directory of no app.", place=path)
        for name, path in sorted(names.items())
        if name not in known
    ]


def judge_trash(there: Mapping[str, str], records: Mapping[str, tuple[str, datetime]]) -> Iterator[Finding]:
    """``there``: what lies in the trash, and its path. ``records``: app and last moment of each directory."""
    for name, path in sorted(there.items()):
        if name not in records:
            yield TRASH_STRAY.found(f"{path} belongs to no deleted app.", place=path)
    for name, (app, until) in sorted(records.items()):
        if name not in there:
            yield TRASH_EMPTY.found(
                f"The directory of {app}, which was deleted, is not in the trash any more.",
                place=name,
                do=f"Nothing: it is forgotten on {until:%Y-%m-%d %H:%M} UTC.",
            )


class DeploymentSeen(msgspec.Struct, frozen=True):
    """A deployment that has not ended, or still drains."""

    app: str
    number: int
    status: Status
    draining: bool
    worked_on: bool
    """Whether somebody is at it in this process."""
    age: float
    """Seconds since it was asked for."""


def judge_deployments(seen: Iterable[DeploymentSeen]) -> list[Finding]:
    """Each one that waits comes to its turn, each other one is worked on."""
    every = list(seen)
    works = any(one.worked_on for one in every)
    return [_stuck(one) for one in every if _is_stuck(one, works=works)]


def _is_stuck(one: DeploymentSeen, *, works: bool) -> bool:
    if one.worked_on:
        return False
    waits = one.status is Status.QUEUED and not one.draining
    return not (waits and works) and one.age > _PATIENCE


def _stuck(one: DeploymentSeen) -> Finding:
    state = "draining" if one.draining else one.status.value
    return DEPLOYMENT_STUCK.found(
        f"Deployment {one.number} of {one.app} is {state}, and nobody works on it.",
        app=one.app,
        place=one.number,
        do="potions down, then potions up: the start settles it",
    )
