"""The types of the fixtures that run the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


#: ``run("apps", "list", stdin=b"")``
Run = Callable[..., Outcome]
#: ``spawn("apps", "list", env_more={}, stdout=…)``
Spawn = Callable[..., subprocess.Popen[bytes]]
