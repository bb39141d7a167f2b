"""An archive on its way from a browser to the agent: passed on piece by piece, and never held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException

from potions.client import PACKED_BYTES, release_uploads
from potions.dashboard.visit import Visit
from potions.errors import ArchiveBroken, PotionsError
from potions.schema import Release


async def send_release(visit: Visit, name: str, source: str) -> Release:
    """Stream the request's body to the agent as a release of the app. Raises what the agent refuses with.

    Where the agent refuses at once, the rest of the body is still taken and dropped: a browser shows no answer to what
    it could not finish sending, only that the connection broke.
    """
    body = visit.request.stream()
    announced = visit.request.headers.get("Content-Length", "")
    headers = {PACKED_BYTES: announced} if announced.isdigit() else {}
    try:
        async with visit.streams() as streams:
            return await streams.send("POST", release_uploads(name), Release, _pieces(body), headers, source=source)
    except PotionsError:
        async for _ in body:
            pass
        raise


async def _pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body without ending it: who gives up on this generator leaves the body to be read on.

    Raises ArchiveBroken where the browser went away, so that the agent drops what it has.
    """
    try:
        async for piece in body:
            if piece:
                yield piece
    except InternalServerException as gone:
        raise ArchiveBroken("The archive did not arrive whole.", do="Send it again.") from gone


def source_of(request: Request[Any, Any, Any]) -> str:
    """What the archive is called where it comes from; the last name only, whatever a browser says."""
    return request.query_params.get("source", "").replace("\\", "/").rpartition("/")[2][:255]
