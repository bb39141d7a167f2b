"""Where the real programs are that Potions brings along."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from potions.errors import StartFailed


def caddy_program() -> str:
    """The Caddy of the pinned wheel, never one that happens to be in PATH."""
    return _script("caddy")


def own_programs() -> Path | None:
    """The programs of the virtual environment that Potions runs from; None where it runs from none."""
    return Path(sysconfig.get_path("scripts")) if sys.prefix != sys.base_prefix else None


def supervisord_program() -> list[str]:
    """The words that start supervisord with our own interpreter."""
    return [sys.executable, "-m", "supervisor.supervisord"]


def _script(name: str) -> str:
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise StartFailed(
            f"{name} is missing: {path} does not exist.",
            why="It comes with Potions' dependencies.",
            do="Install Potions again, with all its dependencies.",
        )
    return str(path)
