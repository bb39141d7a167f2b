"""One install or uninstall at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potions.errors import HomeBusy
from potions.host.locks import Locks

#: In a folder of root alone that is there before anything else is, and empty after each boot.
_FOLDER = Path("/run")
_NAME = "potions-install"


@contextmanager
def alone(folder: Path = _FOLDER) -> Iterator[None]:
    """While no other runs. Raises HomeBusy."""
    lock = Locks(folder).try_take(_NAME)
    if lock is None:
        raise HomeBusy("Potions is being installed or removed right now.", do="Wait until that is done.")
    try:
        yield
    finally:
        (folder / f"{_NAME}.lock").unlink(missing_ok=True)
        lock.release()
