"""What a process may use: its ulimits, and whether the kernel had to end others of its control group."""

from __future__ import annotations

import re
import resource
from pathlib import Path

from potions.model.doctor.home import LimitsSeen

_CGROUPS = Path("/sys/fs/cgroup")
_KILLED = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def look_at_limits(pid: int) -> LimitsSeen:
    """The limits of a process; without any for one that is gone."""
    try:
        # The hard one of files: Caddy raises its own to that. The soft one of sizes, which nobody raises.
        files = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        size = resource.prlimit(pid, resource.RLIMIT_FSIZE)[0]
    except (OSError, ValueError):
        return LimitsSeen()
    return LimitsSeen(_known(files), _known(size), _killed_beside(pid))


def _known(limit: int) -> int | None:
    return None if limit == resource.RLIM_INFINITY else limit


def _killed_beside(pid: int) -> int:
    """Of version 2 of control groups and of version 1; 0 where neither says anything."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return 0
    return max((_killed(*line.split(":", 2)[1:]) for line in lines), default=0)


def _killed(controllers: str, path: str) -> int:
    if controllers == "":
        events = _CGROUPS / path.lstrip("/") / "memory.events"
    elif controllers == "memory":
        events = _CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control"
    else:
        return 0
    try:
        found = _KILLED.search(events.read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
