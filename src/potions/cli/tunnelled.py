"""A client of an agent on a server: the same calls, through an SSH connection that ends with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack
from types import FrameType

from potions.cli.screen import sanitise, say, stderr
from potions.client import Client, Elsewhere
from potions.ssh import SERVER_SOCKET, Connection, Tunnel
from potions.ssh.remembered import Server

_SOCKET = "POTIONS_AGENT_SOCKET"


def connect_to(server: Server) -> Client:
    """Open it. Raises what `Connection` and `Tunnel` raise."""
    connection = Connection(server.address, AtTerminal())
    try:
        return TunnelledClient(server, connection)
    except BaseException:
        connection.close()
        raise


def socket_there(server: Server) -> str:
    """Where the agent of a server listens."""
    return os.environ.get(_SOCKET) or server.socket or SERVER_SOCKET


class TunnelledClient(Client):
    """Closes its tunnel with itself, also where a signal ends this process."""

    def __init__(self, server: Server, connection: Connection) -> None:
        _unwind_on_signals()
        self._closing = ExitStack()
        self._closing.callback(connection.close)
        tunnel = self._closing.enter_context(Tunnel(connection, socket_there(server)))
        super().__init__(tunnel.socket, elsewhere=Elsewhere(server.name, str(server.address)))
        self._closing.callback(super().close)

    def close(self) -> None:
        self._closing.close()


def _unwind_on_signals() -> None:
    """Left as they are, they would end this process with the socket's folder still there."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


class AtTerminal:
    """Whoever sits in front of this terminal. Questions go to standard error: standard output may be a file."""

    @property
    def is_there(self) -> bool:
        return sys.stdin.isatty() and sys.stderr.isatty()

    def tell(self, line: str) -> None:
        say(sanitise(line), console=stderr())

    def ask(self, question: str) -> str:
        stderr().print(sanitise(question), end="", soft_wrap=True)
        typed = sys.stdin.readline()
        if not typed.endswith("\n"):
            say(console=stderr())
        return typed.rstrip("\r\n")

    def ask_secretly(self, question: str) -> str:
        from getpass import getpass

        return getpass(sanitise(question), stream=sys.stderr)
