"""Which addresses and ports processes listen on, read from the kernel's own tables.

Not by psutil: it reads and decodes every connection anew for each process, and a computer that serves short connections
has thousands in TIME_WAIT (8,500 of them: 60 ms of work for each process; here 30 ms for all together).
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = b"0A"
#: A table's columns: number, local address, remote address, state, and six more before the socket's inode.
_LOCAL, _STATE, _INODE = 1, 3, 9
_WORD = 8


def listening(pids: Iterable[int]) -> set[tuple[str, int]]:
    """Address and port of every TCP socket that one of the processes listens on."""
    held = {inode for pid in pids for inode in _sockets(pid)}
    return {where for table in _TABLES for inode, where in _listeners(table) if inode in held}


def _listeners(table: Path) -> Iterator[tuple[int, tuple[str, int]]]:
    """The inode of every listening socket, and where it listens."""
    try:
        lines = table.read_bytes().splitlines()
    except FileNotFoundError:
        # A kernel without IPv6.
        return
    for line in lines:
        # Looked for before the line is taken apart: nearly all of them are something else.
        if b" 0A " in line and (columns := line.split())[_STATE] == _LISTEN:
            address, _, port = columns[_LOCAL].decode().partition(":")
            yield int(columns[_INODE]), (_readable(address), int(port, 16))


def _readable(address: str) -> str:
    """An address as people write it. The kernel prints words of 32 bits as numbers of its own byte order."""
    words = (address[start : start + _WORD] for start in range(0, len(address), _WORD))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _sockets(pid: int) -> Iterator[int]:
    """The inodes of a process's sockets; none of one that is gone, or of another user."""
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                kind, _, inode = _target(entry.path).partition(":[")
                if kind == "socket":
                    yield int(inode.rstrip("]"))
    except OSError:
        return


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - for hundreds of them
    except OSError:
        return ""


class Held(NamedTuple):
    """A TCP port that somebody listens on. ``pid`` is 0 where this user may not know who."""

    address: str
    port: int
    pid: int


def every_listener() -> list[Held]:
    """Who listens where on this computer; a socket that several processes share is there once for each."""
    where = {inode: place for table in _TABLES for inode, place in _listeners(table)}
    holders: dict[int, set[int]] = {inode: set() for inode in where}
    for pid in psutil.pids():
        for inode in set(_sockets(pid)) & holders.keys():
            holders[inode].add(pid)
    return [Held(*where[inode], pid) for inode, pids in holders.items() for pid in sorted(pids) or [0]]
