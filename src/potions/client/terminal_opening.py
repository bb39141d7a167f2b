"""How a terminal's WebSocket to the agent is opened, and what goes wrong at that, told as errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from websockets.exceptions import InvalidHandshake, InvalidStatus

from potions.client.versions import START_THIS_VERSION, Elsewhere
from potions.client.wire import CONNECT_SECONDS, app_path, error_from, unreachable
from potions.errors import AgentLost, InternalError, PotionsError
from potions.schema import ErrorBody
from potions.schema.terminal import FRAME_MAX, PING_SECONDS, SILENCE_SECONDS

#: For ``unix_connect`` of either kind.
OPTIONS: dict[str, Any] = {
    "user_agent_header": None,
    "compression": None,
    "proxy": None,
    "open_timeout": CONNECT_SECONDS,
    "close_timeout": CONNECT_SECONDS,
    "ping_interval": PING_SECONDS,
    "ping_timeout": SILENCE_SECONDS,
    "max_size": FRAME_MAX,
}


def terminal_route(app: str) -> str:
    """Where an app's terminals are opened. Raises NameRefused."""
    return f"ws://potions{app_path(app)}/terminal"


@contextmanager
def refusals_told(socket: Path, elsewhere: Elsewhere | None = None) -> Iterator[None]:
    """Turn what keeps a connection from being opened into errors that say what to do."""
    try:
        yield
    except InvalidStatus as refused:
        raise _refusal(refused) from refused
    except (InvalidHandshake, TimeoutError, EOFError) as error:
        raise lost(str(error)) from error
    except OSError as error:
        raise unreachable(socket, error, elsewhere) from error


def lost(why: str) -> AgentLost:
    """A connection that ended before the program had."""
    return AgentLost(
        "The connection to the agent broke before the program had ended.",
        why=why or "The agent was stopped, or the way to it. The program is ended by that.",
        do="Look with: potions status",
    )


def _refusal(refused: InvalidStatus) -> PotionsError:
    """What the agent said instead of opening a connection."""
    try:
        return error_from(msgspec.json.decode(refused.response.body, type=ErrorBody))
    except msgspec.DecodeError:
        return InternalError(
            "The agent does not open terminals.",
            why=f"It answered with status {refused.response.status_code}; it may be older than this command.",
            do=START_THIS_VERSION,
        )
