"""Threads for what waits until an app has stopped or started: many such requests keep nobody else's waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")

#: Each may take as long as an app takes to stop. The others wait here, and not in the threads that answer all the rest.
_AT_ONCE = anyio.CapacityLimiter(8)


async def in_turn(call: Callable[[], T]) -> T:
    """Call it in one of these threads, when one is free."""
    return await anyio.to_thread.run_sync(call, limiter=_AT_ONCE)
