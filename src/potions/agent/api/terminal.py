"""A program of an app, in a terminal or between pipes, over a WebSocket; ``schema.terminal`` has what is said there."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath

from potions.agent.access import asker_of, make_recheck
from potions.agent.api.answers import as_potions_error, body_of
from potions.agent.api.handed import Asked
from potions.agent.terminal_session import TerminalSession
from potions.errors import PotionsError, RequestRefused, SignInNeeded
from potions.model.access import Needs, Principal
from potions.model.terminal import Purpose, Window, term_of
from potions.schema.terminal import COMMAND_MAX, Failed, Open, Opened
from potions.service import Service
from potions.service.terminals import OpenTerminal, shown_command, told

#: Seconds for the first message.
_FIRST = 15.0
#: Each may take as long as a child that looks at a slot, or a program that does not end.
_OPENING = anyio.CapacityLimiter(16)

Socket = WebSocket[Any, Any, Any]


@websocket("/apps/{name:str}/terminal", needs=Needs.OWNER, act="open console")
async def terminal(socket: Socket, service: Asked, name: FromPath[str]) -> None:
    """Open the app's console or run a command in its live slot."""
    asker = asker_of(socket.scope)
    if asker is None:
        raise SignInNeeded
    await socket.accept()
    try:
        opening = await _first_message(socket)
        opened = await _open(service, asker, name, opening)
        await TerminalSession(socket, service.terminals, opened, make_recheck(service, socket)).carry(_told(opened))
    except WebSocketDisconnect:
        return
    except PotionsError as error:
        await _fail(socket, error)
    except Exception as error:
        await _fail(socket, as_potions_error(error))
        raise


async def _fail(socket: Socket, error: PotionsError) -> None:
    with anyio.move_on_after(_FIRST):
        await socket.send_text(msgspec.json.encode(failed(error)).decode())
        await socket.close()


def failed(error: PotionsError) -> Failed:
    """An error as it is told there."""
    body = body_of(error)
    return Failed(body.code, body.what, body.why, body.do, body.exit_status, body.retry)


async def _first_message(socket: Socket) -> Open:
    with anyio.move_on_after(_FIRST):
        text = await socket.receive_text()
        try:
            opening = msgspec.json.decode(text, type=Open)
        except msgspec.DecodeError as error:
            raise RequestRefused("The first message does not say what to open.", why=str(error)) from error
        _check(opening)
        return opening
    raise RequestRefused("Nothing was opened.", why=f"No message came within {_FIRST:.0f} s.")


def _check(opening: Open) -> None:
    words = opening.argv or []
    if any("\0" in word for word in words) or words[:1] == [""]:
        raise RequestRefused("That is no command.", why="Its program has no name, or there is a NUL character in it.")
    if sum(len(os.fsencode(word)) for word in words) > COMMAND_MAX:
        raise RequestRefused("The command is too long.", why=f"All of its words together may have {COMMAND_MAX} bytes.")
    if opening.argv is None and opening.size is None:
        raise RequestRefused("A console needs a terminal.", why="No size of one was given.")


async def _open(service: Service, asker: Principal, name: str, opening: Open) -> OpenTerminal:
    argv = None if opening.argv is None else tuple(opening.argv)
    size = opening.size
    window = None if size is None else Window(size.columns, size.rows, term_of(size.term))
    opens = partial(service.terminals.open, asker, name, argv, window)
    try:
        return await anyio.to_thread.run_sync(opens, limiter=_OPENING)
    except PotionsError as error:
        act = f"open {(Purpose.CONSOLE if argv is None else Purpose.RUN).value}"
        detail = "" if argv is None else told(argv)
        write = partial(service.audit.write, asker, act, name, detail, error.code)
        await anyio.to_thread.run_sync(write, limiter=_OPENING)
        raise


def _told(opened: OpenTerminal) -> Opened:
    program = opened.process.program
    return Opened(shown_command(opened.console), opened.console.kind, program.colour, opened.release)
