"""The ends of logs."""

from __future__ import annotations

import os
from pathlib import Path

_TAIL = 8 * 1024


def last_lines(log: Path, lines: int = 6) -> str:
    """The last lines of one of the platform's own logs; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
