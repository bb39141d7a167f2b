"""Runs test modules of this checkout inside a machine: what is proved here over supervisord, there over systemd."""

from __future__ import annotations

import sys
from pathlib import Path

from support.machine import Machine
from support.platform import Outcome

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT = 900.0


def what_tests_need() -> dict[str, Path]:
    """What a machine has to see so that tests run in it, for its ``reads``: this checkout, and the Python of its .venv.

    Both at the paths they have here, because a virtual environment names them. A Python from Debian's own package
    cannot be lent: it lies among the machine's own files, and the machine has the same one if its Debian is the same.
    """
    python = Path(sys.base_prefix)
    return {str(path): path for path in ([ROOT] if python == Path("/usr") else [ROOT, python])}


def run_tests(machine: Machine, *words: str, timeout: float = _TIMEOUT) -> Outcome:
    """Run pytest with these words in the machine, as its root, from the top of the read-only checkout."""
    words = (str(ROOT / ".venv/bin/python"), "-m", "pytest", "-p", "no:cacheprovider", *words)
    script = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(ROOT), *words]
    return machine.run(script, timeout=timeout, env={"PYTHONDONTWRITEBYTECODE": "1", "POTIONS_INSIDE_MACHINE": "yes"})


def passes(machine: Machine, *words: str) -> None:
    """Run them, and demand that every one passed: none failed, none was skipped, and there were some."""
    done = run_tests(machine, *words, "--forbid-skips")
    assert done.status == 0, f"in {machine.name} ({machine.suite}): pytest {' '.join(words)}\n{done.text[-20_000:]}"
