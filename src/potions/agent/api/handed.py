"""What a handler is handed beside what the request itself says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from litestar import Request
from litestar.di import NamedDependency

from potions.agent.access import address_of, asker_of, system_user
from potions.errors import SignInNeeded, TooManyAttempts
from potions.model.access import Principal
from potions.service import Service
from potions.service.people.signing_in import Origin

T = TypeVar("T")

#: Everything that may be asked.
Asked = NamedDependency[Service]
#: Who asks.
Asker = NamedDependency[Principal]
AgentRequest = Request[Any, Any, Any]

#: Each takes a core and 64 MiB for a while.
_HASHING = anyio.CapacityLimiter(2)
_WAITING_MAX = 32


def caller(request: AgentRequest) -> str:
    """Who asks, as it stands in histories: a person, a token, or the system user at the other end of the socket."""
    asker = asker_of(request.scope)
    return asker.name if asker else system_user(request)


def principal(request: AgentRequest) -> Principal:
    """Who asks. Raises SignInNeeded on a route that asks nobody."""
    asker = asker_of(request.scope)
    if asker is None:
        raise SignInNeeded
    return asker


def origin(request: AgentRequest) -> Origin:
    """Where somebody signs in."""
    agent = request.headers.get("user-agent", "")
    return Origin(address_of(request), agent if agent.isprintable() else "")


async def hashing(call: Callable[[], T]) -> T:
    """Call what hashes passwords, in a thread: two at a time, and nobody else waits for them.

    Raises TooManyAttempts where too many wait already.
    """
    if _HASHING.statistics().tasks_waiting >= _WAITING_MAX:
        raise TooManyAttempts(5, "Too many people sign in at this moment.")
    return await anyio.to_thread.run_sync(call, limiter=_HASHING)
