"""How often programs ended by themselves of late, as supervisord's log tells."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

_TAIL = 256 * 1024
_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ \S+ exited: (\S+) ", re.MULTILINE)
_TIME = "%Y-%m-%d %H:%M:%S"


class Exit(NamedTuple):
    """A program that ended by itself, and when (Unix time)."""

    program: str
    at: float


def exits_since(log: Path, moment: float) -> list[Exit]:
    """Those since a moment (Unix time). What was told to end did not end by itself."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    every = (Exit(name, time.mktime(time.strptime(at, _TIME))) for at, name in _LINE.findall(text))
    return [one for one in every if one.at >= moment]
