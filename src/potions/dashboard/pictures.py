"""Pictures of stored files: drawn anew by a process of its own with limits, never the stored bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import anyio.abc

from potions.dashboard.picture_child import FILE_MAX, REFUSED
from potions.errors import PictureRefused

#: Pixels a side.
EDGE = 1600
#: So many are drawn at the same time; the others wait.
TURNS = anyio.CapacityLimiter(2)

_SECONDS = 20.0
#: What no drawing at that size needs, in bytes.
_DRAWN_MAX = 16 * 1000 * 1000
_DO = "Download the file to see it."
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError)


def refuse_large_file(size: int) -> None:
    """Raise PictureRefused for a file of which nothing is read at all."""
    if size > FILE_MAX:
        raise PictureRefused(
            f"The file has {size:,} bytes; the dashboard draws pictures of up to {FILE_MAX // 10**6} MB.", do=_DO
        )


async def draw(pieces: AsyncIterator[bytes], edge: int = EDGE) -> bytes:
    """A WebP of the picture in a file that comes in ``pieces``. Raises PictureRefused with words."""
    command = [sys.executable, "-I", "-m", "potions.dashboard.picture_child", str(edge)]
    # Its environment is empty: what this process knows is no business of a decoder of strangers' files.
    process = await anyio.open_process(command, stderr=subprocess.DEVNULL, cwd="/", env={"LANG": "C.UTF-8"})
    try:
        with anyio.fail_after(_SECONDS):
            drawn = await _fed(process, pieces)
            status = await process.wait()
    except TimeoutError:
        raise PictureRefused(f"Drawing it took longer than {_SECONDS:.0f} s.", do=_DO) from None
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
    if status == REFUSED:
        raise PictureRefused(f"There is no picture to show. {drawn.decode(errors='replace')}", do=_DO)
    if status != os.EX_OK or not drawn:
        raise PictureRefused("There is no picture to show.", why="Drawing it needs too much, or it is damaged.", do=_DO)
    return drawn


async def _fed(process: anyio.abc.Process, pieces: AsyncIterator[bytes]) -> bytes:
    """What the process writes, while it is given the file. One that has seen enough need not read all."""
    assert process.stdin and process.stdout
    with suppress(*_GONE):
        async for piece in pieces:
            await process.stdin.send(piece)
    with suppress(*_GONE):
        await process.stdin.aclose()
    drawn = b""
    async for piece in process.stdout:
        drawn += piece
        if len(drawn) > _DRAWN_MAX:
            raise PictureRefused("There is no picture to show.", why="What was drawn is too large.", do=_DO)
    return drawn


async def _end(process: anyio.abc.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.aclose()
