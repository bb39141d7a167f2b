"""Half-made things: what a crash, or a kill at the wrong moment, left lying around."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from potions.layout import Colour
from potions.model.doctor.finding import Finding, Kind, Severity

UPLOAD_LEFT = Kind(
    "upload-left",
    Severity.WARNING,
    "An upload that was cut off lies beside the kept archives.",
    "potions doctor --fix, or the next start of Potions",
    "removes it",
)
SLOT_LEFT = Kind(
    "slot-left",
    Severity.WARNING,
    "What a deploy had unpacked, or what its slot held before, lies beside the slots, and no deploy runs.",
    "potions doctor --fix, or the next deploy of the app",
    "settles it as the next deploy would: what a rollback needs goes back into its slot, the rest is removed",
)
TEMPORARY_LEFT = Kind(
    "temporary-left",
    Severity.WARNING,
    "A temporary file or link of Potions' own was left behind.",
    "potions doctor --fix",
    "removes it",
)
PURGE_LEFT = Kind(
    "purge-left",
    Severity.INFO,
    "An app that was deleted for good is still being removed, or its removal was cut off.",
    "It is removed within the hour",
    "removes the rest of it",
)
PROGRAM_STRAY = Kind(
    "program-stray",
    Severity.WARNING,
    "supervisord, or systemd, has a program of an app or a slot that does not exist.",
    "potions doctor --fix",
    "ends it and forgets it",
)

KINDS = (UPLOAD_LEFT, SLOT_LEFT, TEMPORARY_LEFT, PURGE_LEFT, PROGRAM_STRAY)

#: What ``host.files`` calls a file until it is whole; links and markers that were about to be renamed.
_TEMPORARY = re.compile(r"\.potions-[0-9a-f]{16}\Z")
_TEMPORARY_LINKS = frozenset({".live.new", ".current.new", "slot.new"})
_UPLOAD = re.compile(r"\.incoming-[0-9a-f]{32}\Z")
#: Seconds. What is younger may be in use this very moment.
_YOUNG = 60.0


def is_temporary(name: str, age: float) -> bool:
    """Whether Potions made it to be renamed in a moment, and that moment has passed. ``age`` in seconds."""
    return age > _YOUNG and (bool(_TEMPORARY.match(name)) or name in _TEMPORARY_LINKS)


def is_upload(name: str) -> bool:
    """Whether it is an archive on its way in, or was."""
    return bool(_UPLOAD.match(name))


class LeftSeen(msgspec.Struct, frozen=True):
    """Something that was left behind."""

    path: str
    size: int = 0


def judge_uploads(app: str, seen: Iterable[LeftSeen]) -> list[Finding]:
    """Those that nobody writes to."""
    return [
        UPLOAD_LEFT.found(f"{one.path}, {one.size:,} bytes, is an upload that was cut off.", app=app, place=one.path)
        for one in seen
    ]


def judge_slots(app: str, seen: Iterable[tuple[Colour, str]], *, settled: frozenset[Colour]) -> list[Finding]:
    """``settled``: the slots about which nobody has to decide what stays in them."""
    return [
        SLOT_LEFT.found(
            f"{path} is there, and no deploy of {app} runs.",
            app=app,
            place=path,
            fixable=colour in settled,
            do="" if colour in settled else f"Deploy again: potions deploy PATH --app {app}",
        )
        for colour, path in seen
    ]


def judge_temporary(paths: Iterable[str], *, app: str = "") -> list[Finding]:
    return [TEMPORARY_LEFT.found(f"{path} was left behind.", app=app, place=path) for path in paths]


def judge_purges(paths: Iterable[str]) -> list[Finding]:
    return [PURGE_LEFT.found(f"{path} is to be removed for good.", place=path) for path in paths]


def judge_programs(names: Iterable[str], apps: Iterable[str]) -> list[Finding]:
    """``names``: of services, as ``model.service`` makes them, that the supervisor or its folders know."""
    known = set(apps)
    return [
        PROGRAM_STRAY.found(f"The program {name} belongs to no slot of any app.", place=name)
        for name in sorted(set(names))
        if _is_stray(name, known)
    ]


def _is_stray(name: str, apps: set[str]) -> bool:
    app, dot, rest = name.partition(".")
    return bool(dot) and (app not in apps or rest.partition(".")[0] not in set(Colour))
