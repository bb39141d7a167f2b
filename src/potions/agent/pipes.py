"""Pipes between the API and the children that do the work: neither a slow disk nor a slow client holds others up."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")

_READ_BYTES = 256 * 1024
#: How many requests about storages wait for a child at the same time. What is streamed meanwhile needs no thread.
_AT_ONCE = anyio.CapacityLimiter(16)


async def in_thread(call: Callable[[], T]) -> T:
    """Call what waits for a child, in a thread of which the other requests have no need."""
    return await anyio.to_thread.run_sync(call, limiter=_AT_ONCE)


async def in_thread_to_the_end(call: Callable[[], T]) -> T:
    """The same for what has to be done also when the request was cancelled meanwhile."""
    with anyio.CancelScope(shield=True):
        result = await in_thread(call)
    return result  # noqa: RET504 - for mypy the block might swallow what is raised


async def read_all(descriptor: int) -> AsyncIterator[bytes]:
    """What comes out of a pipe that does not block, to its end."""
    while True:
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            await anyio.wait_readable(descriptor)
            continue
        if not data:
            return
        yield data


async def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data`` into a pipe that does not block. Raises BrokenPipeError where nobody reads any more."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            await anyio.wait_writable(descriptor)
