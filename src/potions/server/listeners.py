"""Which processes listen for TCP connections on this computer, whoever they belong to."""

from __future__ import annotations

from collections.abc import Iterator

import psutil


def listeners() -> Iterator[tuple[int, int]]:
    """Pairs of a port and a process id; the same pair may come twice, for IPv4 and IPv6."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr:
            yield connection.laddr.port, connection.pid
