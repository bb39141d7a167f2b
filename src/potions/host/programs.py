"""Where the real programs are that Potions brings along."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from potions.errors import StartFailed
from potions.layout import Home, Server

_TIMEOUT = 30.0


def caddy_program(home: Home | None = None) -> str:
    """The Caddy of the pinned wheel, never one that happens to be in PATH; on a server the one that is installed."""
    return str(home.caddy_program) if isinstance(home, Server) else _script("caddy")


def caddy_version(home: Home | None = None) -> str:
    """What our Caddy says of its version: ``v2.11.7``. Raises StartFailed where it cannot be run."""
    command = [caddy_program(home), "version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailed(
            "Caddy cannot be run.", why=str(error), do="Install Potions again, with all its dependencies."
        ) from error
    return done.stdout.partition(" ")[0].strip()


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
