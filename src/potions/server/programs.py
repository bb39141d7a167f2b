"""Programs of the system that the install runs: to their end, and with their last lines where they fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from potions.errors import InstallFailed

#: apt on a slow line, and pip on a slow computer.
_PATIENCE = 1800.0
_LAST_LINES = 8
_LONGEST = 2000


def run(
    words: Sequence[str], failed: str, *, do: str = "", given: str = "", variables: Mapping[str, str] | None = None
) -> str:
    """What a program prints. Raises InstallFailed, with its last lines, where it cannot be run or ends with an error.

    ``variables`` stand beside those that this process has; what is written has the modes of umask 022.
    """
    try:
        done = subprocess.run(
            words,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
            umask=0o022,
            env={**_inherited(), **(variables or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallFailed(failed, why=str(error), do=do) from error
    if done.returncode != 0:
        raise InstallFailed(failed, why=_last_lines(done.stdout, done.stderr), do=do)
    return done.stdout


def answer_of(*words: str) -> str:
    """What a program prints, or nothing where it is not there or ends with an error."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False, env=_inherited()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _inherited() -> dict[str, str]:
    """Proxies and the index of packages as they are set; nothing that would send another Python astray."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    # Programs that only root needs are not in everybody's.
    return {
        **kept,
        "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin",
        "LC_ALL": "C.UTF-8",
    }


def _last_lines(out: str, err: str) -> str:
    lines = [line.rstrip() for line in (err.strip() or out.strip()).splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])[-_LONGEST:]
