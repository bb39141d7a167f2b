"""The agent's socket on a server, as a private one on this computer, for as long as the tunnel is open."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import asyncssh

from potions.errors import (
    AgentUnreachable,
    ForwardingForbidden,
    NotAllowed,
    NotInstalledThere,
    PotionsError,
    ServerUnreachable,
)
from potions.ssh.connecting import Connection
from potions.ssh.quoting import quoted

#: Where the agent of an installed server listens.
SERVER_SOCKET = "/run/potions/agent.sock"

#: Says why a socket cannot be opened, in words that nobody reads but `_refusal`. The kernel lists those that listen.
_DIAGNOSIS = """\
socket={socket}; folder=${{socket%/*}}
if [ ! -e "$folder" ]; then echo missing
elif [ ! -x "$folder" ]; then echo closed
elif [ ! -S "$socket" ]; then echo missing
elif [ ! -w "$socket" ]; then echo closed
elif [ -r /proc/net/unix ] && ! grep -qF " $socket" /proc/net/unix; then echo silent
else echo open; fi
id -un
"""


class Tunnel:
    """Forwards a socket. ``socket`` is its end here, in a folder that nobody else may enter; nothing is left of it.

    Use it as a context manager, or call ``close``. The connection stays the caller's.
    """

    def __init__(self, connection: Connection, there: str = SERVER_SOCKET) -> None:
        """Raises NotInstalledThere, AgentUnreachable, NotAllowed, ForwardingForbidden, ServerUnreachable."""
        self._connection = connection
        connection.loop.call(_try(connection, there))
        self._folder = Path(tempfile.mkdtemp(prefix="potions-ssh-", dir=os.environ.get("XDG_RUNTIME_DIR") or None))
        self.socket = self._folder / "agent.sock"
        try:
            connection.loop.call(self._listen(there))
        except BaseException:
            self._remove()
            raise

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """What still flows goes on until the connection is closed."""
        self._remove()

    async def _listen(self, there: str) -> None:
        await self._connection.ssh.forward_local_path(str(self.socket), there)

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


async def _try(connection: Connection, there: str) -> None:
    """Open the socket once: what is wrong then can still be told."""
    try:
        _, writer = await connection.ssh.open_unix_connection(there)
        writer.close()
    except asyncssh.ChannelOpenError as error:
        raise await _refusal(connection, there, error) from error
    except (asyncssh.Error, OSError) as error:
        raise ServerUnreachable(f"The connection to {connection.address} broke.", why=str(error)) from error


async def _refusal(connection: Connection, there: str, error: asyncssh.ChannelOpenError) -> PotionsError:
    where = str(connection.address)
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return ForwardingForbidden(where, there)
    found, _, user = (await _diagnose(connection, there)).strip().partition("\n")
    match found:
        case "missing":
            return NotInstalledThere(
                f"Potions is not installed on {where}.",
                why=f"There is no {there}.",
                do=f"Install it there: potions server add {where}",
            )
        case "closed":
            return NotAllowed(
                f"{user or connection.address.user} may not command Potions on {where}.",
                why=f"{there} belongs to the group potions-admin.",
                do=f"Add yourself there, then sign in anew: sudo usermod -aG potions-admin {user}",
            )
        case "silent":
            return AgentUnreachable(
                f"Potions does not run on {where}.",
                why=f"Nothing listens on {there}.",
                do="Look there: sudo systemctl status potions-agent",
            )
        case "open":
            return ForwardingForbidden(where, there)
    return AgentUnreachable(
        f"The agent of {where} is not reached.", why=f"{there} cannot be opened there: {error.reason}"
    )


async def _diagnose(connection: Connection, there: str) -> str:
    try:
        command = _DIAGNOSIS.format(socket=quoted(there))
        done = await connection.ssh.run(f"sh -c {quoted(command)}", stdin=asyncssh.DEVNULL, timeout=10)
    except (asyncssh.Error, OSError, TimeoutError):
        # Whoever may only forward may not run anything.
        return ""
    return str(done.stdout)
