"""Owner and mode of one entry of the platform's own, set right."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from potions.errors import UnsafePath
from potions.host.descriptors import directory


def set_permissions(path: Path, mode: int, owner: tuple[int, int] | None) -> None:
    """Give a file or a directory this mode, and this user and group unless None; nothing else of it is changed.

    No link is followed, and a file with a second name is refused: that name could be somebody else's. By O_PATH,
    because closing an ordinary descriptor of a SQLite database drops the locks that this process has on it. A crash
    leaves the owner changed and the mode not; calling again completes it. Raises UnsafePath and OSError.
    """
    with directory(path.parent) as folder:
        descriptor = os.open(path.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            _refuse_others(path, os.fstat(descriptor))
            itself = Path(f"/proc/self/fd/{descriptor}")
            if owner is not None:
                os.chown(itself, *owner)
            itself.chmod(mode)
        finally:
            os.close(descriptor)


def _refuse_others(path: Path, status: os.stat_result) -> None:
    is_file = stat.S_ISREG(status.st_mode)
    if not is_file and not stat.S_ISDIR(status.st_mode):
        raise UnsafePath(f"{path} is no file and no directory.", why="There is a link, or something else.")
    if is_file and status.st_nlink > 1:
        raise UnsafePath(f"{path} has a second name.", why="It could be a file of somebody else's.")
