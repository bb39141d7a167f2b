"""Carries a program's bytes between its streams and a WebSocket, and ends the one with the other.

Neither side is ever ahead of the other by more than ``WINDOW`` bytes: what a program prints stays in its pipe until the
client has taken what came before, and a client that sends more than it may is cut off.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from anyio import CancelScope
from litestar import WebSocket

from potions.errors import PotionsError, RequestRefused
from potions.model.terminal import ProgramEnd
from potions.schema.terminal import (
    ERRORS,
    OUTPUT,
    PIECE,
    WINDOW,
    Ended,
    InputEnds,
    Opened,
    Resize,
    Said,
    Signal,
    Taken,
    Told,
    Took,
)
from potions.service.terminals import OpenTerminal, TerminalService

#: Seconds between two looks at whether whoever opened it still may.
_LOOK_EVERY = 15.0

#: Each waits until a program has ended.
_ENDING = anyio.CapacityLimiter(64)
_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


class _ClientGone(Exception):
    """Whoever had opened it is not there any more."""


class TerminalSession:
    """One program and one WebSocket."""

    def __init__(
        self,
        socket: WebSocket[Any, Any, Any],
        service: TerminalService,
        opened: OpenTerminal,
        still_may: Callable[[], Awaitable[None]],
    ) -> None:
        self._socket = socket
        self._service = service
        self._opened = opened
        self._still_may = still_may
        self._streams = opened.process.streams
        self._room = WINDOW
        self._changed = anyio.Event()
        self._typed: deque[bytes] = deque()
        self._typed_bytes = 0
        self._input_ends = False
        self._program_ended = False
        self._waits: set[CancelScope] = set()

    async def carry(self, opened: Opened) -> None:
        """Until the program has ended and all it printed was sent, or the client is gone, or may not any more.

        Whichever it is, the program and all that came of it have ended afterwards. Raises what ``still_may`` does, and
        RequestRefused for a client that says what makes no sense.
        """
        failure: PotionsError | None = None
        try:
            await self._tell(opened)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen)
                tasks.start_soon(self._type)
                tasks.start_soon(self._look_again)
                await self._print_all()
                tasks.cancel_scope.cancel()
            end = await self._close()
            await self._tell(Ended(end.status, end.signal, self._opened.process.why))
            await self._socket.close()
        except* _ClientGone:
            pass
        except* PotionsError as errors:
            failure = _first(errors)
        finally:
            await self._close("" if failure is None else failure.what)
        if failure is not None:
            raise failure

    async def _close(self, why: str = "") -> ProgramEnd:
        with CancelScope(shield=True):
            close = partial(self._service.close, self._opened, why)
            end = await anyio.to_thread.run_sync(close, limiter=_ENDING)
        return end  # noqa: RET504 - for mypy the block might swallow what is raised

    # What the program prints

    async def _print_all(self) -> None:
        async with anyio.create_task_group() as printing:
            printing.start_soon(self._print, self._streams.output, OUTPUT)
            if self._streams.errors is not None:
                printing.start_soon(self._print, self._streams.errors, ERRORS)
            await anyio.wait_readable(self._opened.process.ended)
            # What it left behind may hold its streams open for ever.
            await anyio.to_thread.run_sync(self._opened.process.end, limiter=_ENDING)
            self._program_ended = True
            for scope in self._waits:
                scope.cancel()

    async def _print(self, descriptor: int, stream: bytes) -> None:
        """Send what comes; once the program has ended, only what is there."""
        while (piece := await self._read(descriptor)) != b"":
            if piece is not None:
                self._room -= len(piece)
                await self._send(stream + piece)

    async def _read(self, descriptor: int) -> bytes | None:
        """The next piece; none at the end, None where there was none just now."""
        while not self._room:
            await self._change()
        if not self._program_ended:
            with CancelScope() as scope:
                self._waits.add(scope)
                await anyio.wait_readable(descriptor)
            self._waits.discard(scope)
        try:
            # Another stream may have taken the room meanwhile.
            return os.read(descriptor, min(PIECE, self._room)) if self._room else None
        except BlockingIOError:
            return b"" if self._program_ended else None
        except OSError:
            # What a terminal says once nobody has it open any more.
            return b""

    # What the client says

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise _ClientGone
            text, data = message.get("text"), message.get("bytes")
            if isinstance(text, str):
                self._hear(_said(text))
            elif isinstance(data, bytes) and data:
                self._take_typed(data)

    def _hear(self, said: Said) -> None:
        match said:
            case Took():
                if self._room + said.bytes > WINDOW:
                    raise RequestRefused("More bytes were taken than were sent.")
                self._room += said.bytes
                self._tell_change()
            case Resize():
                self._streams.resize(said.columns, said.rows)
            case Signal():
                self._opened.process.signal(signal.Signals[said.name])
            case InputEnds():
                self._input_ends = True
                self._tell_change()
            case _:
                raise RequestRefused("One program is open here already.", do="Open another connection for another one.")

    def _take_typed(self, data: bytes) -> None:
        if self._input_ends:
            raise RequestRefused("Something was typed after the end of the input.")
        self._typed_bytes += len(data)
        if self._typed_bytes > WINDOW:
            raise RequestRefused(
                "More was typed than the program has taken.", why=f"At most {WINDOW:,} bytes may be on their way."
            )
        self._typed.append(data)
        self._tell_change()

    async def _type(self) -> None:
        while True:
            while self._typed:
                await self._write(self._typed.popleft())
            if self._input_ends:
                self._streams.end_input()
                return
            await self._change()

    async def _write(self, data: bytes) -> None:
        """Give the program what was typed. One that has closed its input takes everything, and reads nothing."""
        rest = memoryview(data)
        while rest and self._streams.input is not None:
            await anyio.wait_writable(self._streams.input)
            try:
                rest = rest[os.write(self._streams.input, rest) :]
            except BlockingIOError:
                continue
            except OSError:
                break
        self._typed_bytes -= len(data)
        await self._tell(Taken(len(data)))

    async def _look_again(self) -> None:
        while True:
            await anyio.sleep(_LOOK_EVERY)
            await self._still_may()

    # What both need

    async def _tell(self, message: Told) -> None:
        await self._send(msgspec.json.encode(message).decode())

    async def _send(self, data: str | bytes) -> None:
        try:
            if isinstance(data, str):
                await self._socket.send_text(data)
            else:
                await self._socket.send_bytes(data)
        except Exception as error:
            # Whatever the server says of a connection that is lost.
            raise _ClientGone from error

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _change(self) -> None:
        await self._changed.wait()


def _said(text: str) -> Said:
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise RequestRefused("A message makes no sense here.", why=str(error)) from error


def _first(errors: BaseExceptionGroup[PotionsError]) -> PotionsError:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, PotionsError)
    return found
