"""Writing a tar as a stream: the header of each member, what fills its last block up, and the end.

Owners are not told, and of modes only whether a file may be executed. Names and targets hold any bytes (those that are
no UTF-8 as lone surrogates), and have any length.
"""

from __future__ import annotations

import tarfile

_BLOCK = 512
#: Without it a tar was cut off.
END = bytes(2 * _BLOCK)


def file_header(name: str, size: int, mtime: int, *, executable: bool) -> bytes:
    """What stands before the ``size`` bytes of a file."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o755 if executable else 0o644
    return _bytes(info)


def folder_header(name: str, mtime: int) -> bytes:
    """A folder; it stands before what is in it."""
    info = tarfile.TarInfo(name)
    info.type, info.mtime, info.mode = tarfile.DIRTYPE, mtime, 0o755
    return _bytes(info)


def link_header(name: str, target: str, mtime: int) -> bytes:
    """A symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mtime, info.mode = tarfile.SYMTYPE, target, mtime, 0o777
    return _bytes(info)


def padding(size: int) -> bytes:
    """What stands behind the ``size`` bytes of a file."""
    return bytes(-size % _BLOCK)


def _bytes(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
