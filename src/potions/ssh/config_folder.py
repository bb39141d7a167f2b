"""Where Potions keeps, on a person's own computer, what it knows of servers: ``~/.config/potions``."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potions.errors import FileNotWritten


def config_folder() -> Path:
    """``$XDG_CONFIG_HOME/potions``, or ``~/.config/potions``. Made by `changing`, not by asking."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    # What is not absolute has to be ignored, as that standard says.
    above = Path(named) if named.startswith("/") else Path("~/.config").expanduser()
    return above / "potions"


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Nobody else changes what is in the folder meanwhile; it is made where there is none. Raises FileNotWritten."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise FileNotWritten(f"{folder} cannot be used.", why=error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
