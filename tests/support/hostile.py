"""A process that swaps directories for links as fast as it can: what an app may do to its own files at any moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_SWAP = """
import os, sys
folder, target = sys.argv[1:]
os.chdir(folder)  # wherever it is moved to, this process stays in it
print("swapping", flush=True)
while True:
    for number in range(40):
        name, aside = f"d{number}", f"aside{number}"
        try:
            os.rename(name, aside)
            os.symlink(target, name)
            os.unlink(name)
            os.rename(aside, name)
        except OSError:
            pass  # it is being removed
"""


class Swapper:
    """Swaps the directories ``d0`` to ``d39`` of ``folder`` for links to ``target`` and back, until they are gone."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._running = subprocess.Popen(
            [sys.executable, "-c", _SWAP, str(folder), str(target)], stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Swapper:
        assert self._running.stdout is not None
        assert self._running.stdout.readline() == "swapping\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        self._running.wait()
        assert self._running.stdout is not None
        self._running.stdout.close()
