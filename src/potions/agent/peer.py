"""Who is at the other end of the agent's socket, as the kernel says."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import struct
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_CREDENTIALS = struct.Struct("3i")


class PeerProtocol(H11Protocol):
    """HTTP over the agent's socket. The peer's user name stands as the client's address; strangers are cut off.

    Who may command this agent: the user it runs as, and root. The socket's folder keeps everybody else away already;
    this holds also where somebody made that folder readable.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = permitted_peer(transport)
        if peer is None:
            # Nothing it sent is read any more.
            transport.abort()
        else:
            self.client = peer


class PeerWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket over the same socket, which takes the connection over from ``PeerProtocol`` and looks anew."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = permitted_peer(cast(asyncio.Transport, transport))
        if peer is None:
            cast(asyncio.Transport, transport).abort()
        else:
            self.client = peer


def permitted_peer(transport: asyncio.Transport) -> tuple[str, int] | None:
    """Name and number of the user at the other end; None for a stranger."""
    uid = peer_uid(cast(socket.socket, transport.get_extra_info("socket")))
    return (user_name(uid), uid) if uid in {0, os.geteuid()} else None


def peer_uid(connection: socket.socket) -> int:
    """The user id of the process that connected."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _pid, uid, _gid = _CREDENTIALS.unpack(credentials)
    return int(uid)


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
