"""Files with secrets in them that a command leaves on this computer, for its user alone."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from potions.errors import FileNotWritten

_MODE = 0o600
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def refuse_taken(path: Path, *, force: bool) -> None:
    """Raises FileNotWritten where ``write_private`` would: to be asked before a secret is fetched."""
    with _folder_of(path) as folder:
        _look(path, folder, force=force)


def write_private(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file that only its owner can read, wholly or not at all.

    Nothing that is there is overwritten, unless ``force`` says so and it is a plain file; no link is followed. Raises
    FileNotWritten. After a crash ``path`` is as it was or whole, perhaps beside a ``.potions-….part``, as private.
    """
    with _folder_of(path) as folder:
        _look(path, folder, force=force)
        part = f".potions-{secrets.token_hex(8)}.part"
        try:
            _write(part, folder, data)
            if force:
                os.rename(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                # A link and no rename: it fails where somebody else was quicker.
                os.link(part, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            os.fsync(folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)


@contextmanager
def _folder_of(path: Path) -> Iterator[int]:
    """A descriptor of the folder; what goes wrong in the block is told of ``path``."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield folder
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise FileNotWritten(
            f"{path} cannot be written.", why=error.strerror or str(error), do="Take a file in another folder."
        ) from error


def _look(path: Path, folder: int, *, force: bool) -> None:
    try:
        mode = os.stat(path.name or ".", dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise FileNotWritten(
            f"{path} is {_kind(mode)}; nothing was written.", do="Take another name, or remove it first."
        )
    if not force:
        raise _taken(path)


def _taken(path: Path) -> FileNotWritten:
    return FileNotWritten(f"{path} is there already; nothing was written.", do="Take another name, or add: --force")


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a directory" if stat.S_ISDIR(mode) else "no plain file"


def _write(name: str, folder: int, data: bytes) -> None:
    descriptor = os.open(name, _NEW, _MODE, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        # Not left to the umask, which may also take from the owner.
        os.fchmod(file.fileno(), _MODE)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
