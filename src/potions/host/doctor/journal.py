"""systemd's journal: the last lines of a unit, and how often units ended by themselves of late."""

from __future__ import annotations

import json
import subprocess

from potions.host.doctor.exits import Exit

_PATIENCE = 20.0
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
#: What systemd writes when it starts a unit again that ended by itself (SD_MESSAGE_UNIT_RESTART_SCHEDULED).
_STARTED_AGAIN = "5eb03494b6584870a536b337290809b3"
_COLOURS = ("blue", "green")
_PLATFORM = "potions-"


def last_lines_of(unit: str, lines: int = 6) -> str:
    """The last lines of a unit, with what systemd says of it; empty where there is no journal."""
    return _journal("--output=cat", f"--lines={lines}", f"--unit={unit}").strip()


def restarts_since(moment: float) -> list[Exit]:
    """What ended by itself since a moment (Unix time) and was started again, by the names of the supervisor port."""
    # Of systemd itself: any program can send an entry with these fields.
    told = _journal("--output=json", f"--since=@{moment:.0f}", f"MESSAGE_ID={_STARTED_AGAIN}", "_PID=1").splitlines()
    entries = [json.loads(line) for line in told]
    found = ((service_of(str(entry.get("UNIT", ""))), int(entry["__REALTIME_TIMESTAMP"]) / 1e6) for entry in entries)
    return [Exit(name, at) for name, at in found if name]


def service_of(unit: str) -> str:
    """``blog.blue`` of ``blog-blue.service``, ``agent`` of ``potions-agent.service``; empty for units of others.

    A part of the platform, and not a slot, where it could be both: apps have no slot but these two.
    """
    name, dot, suffix = unit.rpartition(".")
    if not dot or suffix != "service":
        return ""
    slot, _, rest = name.partition(".")
    app, dash, colour = slot.rpartition("-")
    if dash and colour in _COLOURS:
        return ".".join(word for word in (app, colour, rest) if word)
    return name.removeprefix(_PLATFORM) if name.startswith(_PLATFORM) and not rest else ""


def _journal(*words: str) -> str:
    command = ["journalctl", "--quiet", "--no-pager", *words]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_PATIENCE, check=False, env=_ENVIRONMENT, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
