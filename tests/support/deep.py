"""A tree too deep for paths, for the stack and for the usual number of descriptors."""

from __future__ import annotations

import os
from pathlib import Path


def make_deep(top: Path, levels: int, *, data: bytes = b"") -> None:
    """Nest directories called ``d`` below ``top``, which is made too, with a file called ``f`` in the last one."""
    top.mkdir()
    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    file = os.open("f", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
    os.write(file, data)
    os.close(file)
    os.close(folder)
