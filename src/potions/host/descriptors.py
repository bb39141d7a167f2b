"""Opening and reading below a directory's descriptor, one name at a time and never through a link.

An app can swap any of its directories for a link at any moment. A path would follow it; a descriptor does not.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: O_NONBLOCK, or opening a named pipe would wait for a writer for ever.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

#: What `os.open` says when a name is a link, or anything else that is not a directory.
_NOT_A_DIRECTORY = (errno.ELOOP, errno.ENOTDIR)


@contextmanager
def directory(path: str | Path, *, within: int | None = None) -> Iterator[int]:
    """Give the descriptor of a directory (a name below the descriptor ``within``), closed afterwards.

    Raises OSError; `is_not_directory` tells whether a link or a file is there instead.
    """
    descriptor = os.open(path, DIRECTORY, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_not_directory(error: OSError) -> bool:
    """Whether opening failed because there is a link, or something else that is not a directory."""
    return error.errno in _NOT_A_DIRECTORY


def look(name: str | Path, *, within: int | None = None) -> os.stat_result | None:
    """What lies at ``name`` itself (a link is a link), or None when nothing does."""
    try:
        return os.stat(name, dir_fd=within, follow_symlinks=False)
    except FileNotFoundError:
        return None


def read_regular(name: str, *, within: int, limit: int) -> bytes | None:
    """The bytes of a regular file, or None when there is none of that name.

    Raises ValueError, with the reason in words, for a link, for anything else that is no regular file, and for a file
    of more than ``limit`` bytes.
    """
    try:
        with open(name, "rb", opener=lambda path, _flags: os.open(path, _READ, dir_fd=within)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError("It is not a regular file.")
            data = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError("It is a link." if error.errno == errno.ELOOP else f"{error.strerror}.") from None
    if len(data) > limit:
        raise ValueError(f"It has more than {limit:,} bytes.")
    return data


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte of ``data``; one write(2) may take less. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def shown(name: str) -> str:
    """A file's name for people and logs: bytes that are not UTF-8, and control characters, as escapes."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
