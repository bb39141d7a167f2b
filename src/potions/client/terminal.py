"""A program of an app over a WebSocket, for a caller who waits for it in threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, unix_connect

from potions.client.terminal_opening import OPTIONS, lost, refusals_told, terminal_route
from potions.client.wire import Wire, error_from
from potions.errors import InternalError, PotionsError
from potions.schema import ErrorBody
from potions.schema.terminal import Failed, Open, Opened, Said, Told

_HEADERS = ("authorization", "potions-from", "user-agent")
_decoder: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


class TerminalLine:
    """A program that runs. One thread may receive while another one sends."""

    def __init__(self, connection: ClientConnection, opened: Opened) -> None:
        self.opened = opened
        self._connection = connection

    def receive(self) -> bytes | Told:
        """What comes next: printed bytes behind the one that says where, or a message.

        Raises AgentLost where the connection ends before the program has.
        """
        return _receive(self._connection)

    def send(self, typed: bytes) -> None:
        """Send what is typed. After the end of the connection it goes nowhere; ``receive`` says so."""
        self._send(typed)

    def say(self, message: Said) -> None:
        """Send a message; after the end of the connection as ``send``."""
        self._send(msgspec.json.encode(message).decode())

    def cut(self) -> None:
        """End the connection at once, also where the other side is silent: the program ends by that."""
        self._connection.close_socket()

    def _send(self, data: str | bytes) -> None:
        try:
            self._connection.send(data)
        except ConnectionClosed:
            return


class TerminalCalls(Wire):
    """Consoles and commands."""

    @contextmanager
    def terminal(self, app: str, opening: Open) -> Iterator[TerminalLine]:
        """Open the app's console, or run a command. It ends with the block at the latest.

        Raises AgentUnreachable, NotAllowed, AgentLost and what the agent refuses with.
        """
        headers = {name: self._http.headers[name] for name in _HEADERS if name in self._http.headers}
        with refusals_told(self.socket, self.elsewhere):
            connecting = unix_connect(
                str(self.socket),
                terminal_route(app),
                additional_headers=headers,
                **OPTIONS,
                # What is on its way is counted in bytes; who stopped reading would not hear a ping.
                max_queue=None,
            )
        with connecting as connection:
            connection.send(msgspec.json.encode(opening).decode())
            first = _receive(connection)
            if isinstance(first, Failed):
                raise error_of(first)
            if not isinstance(first, Opened):
                raise InternalError("The agent's answer was not understood.", why="Nothing was opened.")
            yield TerminalLine(connection, first)


def failed_message(error: PotionsError) -> Failed:
    """An error as it is told over a terminal's connection."""
    return Failed(error.code, error.what, error.why, error.do, error.exit_status, error.retry)


def error_of(told: Failed) -> PotionsError:
    """What the agent told of as the error it is."""
    return error_from(ErrorBody(told.code, told.what, told.why, told.do, told.exit_status, told.retry))


def _receive(connection: ClientConnection) -> bytes | Told:
    try:
        data = connection.recv()
    except ConnectionClosed as closed:
        raise lost(closed.rcvd.reason if closed.rcvd else "") from closed
    if isinstance(data, bytes):
        return data
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise InternalError("The agent's answer was not understood.", why=str(error)) from error
