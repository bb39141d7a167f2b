"""Who is at the other end of the agent's socket, as the kernel says."""

from __future__ import annotations

import asyncio
import grp
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

    Who may command this agent: the user it runs as, root, and whom ``admitted`` names. The socket's own mode, or its
    folder's, keeps everybody else away already; this holds also where somebody made that readable.
    """

    #: Groups whose members may command it: on a server ``potions-admin``, and the dashboard's own user's.
    admitted: frozenset[str] = frozenset()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = permitted_peer(transport, self.admitted)
        if peer is None:
            # Nothing it sent is read any more.
            transport.abort()
        else:
            self.client = peer


class PeerWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket over the same socket, which takes the connection over from ``PeerProtocol`` and looks anew."""

    admitted: frozenset[str] = frozenset()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = permitted_peer(cast(asyncio.Transport, transport), self.admitted)
        if peer is None:
            cast(asyncio.Transport, transport).abort()
        else:
            self.client = peer


def permitted_peer(transport: asyncio.Transport, admitted: frozenset[str]) -> tuple[str, int] | None:
    """Name and number of the user at the other end; None for a stranger."""
    uid = peer_uid(cast(socket.socket, transport.get_extra_info("socket")))
    permitted = uid in {0, os.geteuid()} or not admitted.isdisjoint(groups_of(uid))
    return (user_name(uid), uid) if permitted else None


def peer_uid(connection: socket.socket) -> int:
    """The user id of the process that connected."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _pid, uid, _gid = _CREDENTIALS.unpack(credentials)
    return int(uid)


def groups_of(uid: int) -> set[str]:
    """The names of all groups that a user is in; none where the user has no name."""
    try:
        user = pwd.getpwuid(uid)
        return {grp.getgrgid(gid).gr_name for gid in os.getgrouplist(user.pw_name, user.pw_gid)}
    except KeyError:
        return set()


def admitting(groups: frozenset[str]) -> type[PeerProtocol]:
    """The same for an agent that the members of these groups may command too."""
    return type("AdmittingProtocol", (PeerProtocol,), {"admitted": groups})


def admitting_sockets(groups: frozenset[str]) -> type[PeerWebSocket]:
    """The same for its WebSockets."""
    return type("AdmittingWebSocket", (PeerWebSocket,), {"admitted": groups})


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
