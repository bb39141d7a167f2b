"""Streams of lines that grow while somebody reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio
import anyio.to_thread

NDJSON = "application/x-ndjson"
#: How often a growing file is looked at, in seconds: soon after something came, and ever less while nothing does. A
#: hundred pages that follow silent logs would otherwise take a whole core.
_FIRST, _LONGEST, _GROWTH = 0.05, 0.5, 1.2
#: How often what tells by itself is looked at all the same, in seconds: whether the app is still there.
_TOLD = 2.0


async def follow(
    read: Callable[[], list[bytes]], is_over: Callable[[], bool], descriptor: Callable[[], int | None] = lambda: None
) -> AsyncIterator[bytes]:
    """Give what ``read`` finds until ``is_over``, and then once more: what came before the end is never missed.

    Only once more: what goes on growing after its end would never be read to the end. Where there is a ``descriptor``,
    it becomes readable as soon as there is more, so that nothing is looked at meanwhile.
    """
    over = False
    pause = _FIRST
    while not over:
        over = await anyio.to_thread.run_sync(is_over)
        if lines := await anyio.to_thread.run_sync(read):
            pause = _FIRST
            yield b"".join(lines)
        elif not over:
            await _pause(pause, descriptor())
            pause = min(pause * _GROWTH, _LONGEST)


async def _pause(seconds: float, descriptor: int | None) -> None:
    if descriptor is None:
        await anyio.sleep(seconds)
        return
    with anyio.move_on_after(_TOLD):
        await anyio.wait_readable(descriptor)
