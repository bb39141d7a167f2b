"""The cursor of a log line: where every log of an app was read to. It names no file, only places within its logs.

It comes back from a browser, so it is taken for something that anybody may have made. A place counts only where the
bytes before it are those of one of the app's own logs.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable

import msgspec

from potions.errors import RequestRefused
from potions.host.kept_output import MARK_BYTES, Place

#: Always fewer characters than this.
CURSOR_MAX = 1000
NO_CURSOR = "It is no cursor of a log line."
OTHER_SCOPE = "It belongs to another app, or to another choice of slot and process."
_VERSION = 1
SCOPE_BYTES = 4
#: Version, scope, when it was made (milliseconds), whether places had to be left out.
_HEAD = struct.Struct(f">B{SCOPE_BYTES}sQB")
_OFFSET_BYTES = 3
_PLACE_BYTES = MARK_BYTES + _OFFSET_BYTES
_LARGEST_OFFSET: int = 2 ** (8 * _OFFSET_BYTES) - 1
#: An app has at most 102 logs, those of 50 workers and ``web`` in both slots, until it gives its workers other names.
_PLACES_MAX = (CURSOR_MAX // 4 * 3 - 3 - _HEAD.size) // _PLACE_BYTES


class LogCursor(msgspec.Struct, frozen=True):
    """Where the logs were read to. A log without a place in it was not read, unless ``cut``."""

    made: float
    """In seconds since 1970."""
    cut: bool
    places: list[Place]


def scope_of(app_id: int, slot: str | None, process: str | None) -> bytes:
    """What a cursor is for: it fits nothing else."""
    return hashlib.blake2b(f"{app_id} {slot} {process}".encode(), digest_size=SCOPE_BYTES).digest()


def encode_cursor(scope: bytes, made: float, places: Iterable[Place]) -> str:
    """The text of a cursor. ``made``: a moment at which all of those places were there, in seconds since 1970."""
    # The beginning of a file is no place: another file may have its number by the time it comes back.
    known = [_packed(place) for place in places if place.offset]
    head = _HEAD.pack(_VERSION, scope, int(made * 1000), len(known) > _PLACES_MAX)
    return base64.urlsafe_b64encode(head + b"".join(known[:_PLACES_MAX])).decode().rstrip("=")


def decode_cursor(text: str, scope: bytes) -> LogCursor:
    """What a cursor says. Raises RequestRefused for what is none, or one of other logs."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, found, made, cut = _HEAD.unpack_from(data)
    except (ValueError, struct.error) as error:
        raise cursor_refused(NO_CURSOR) from error
    places = data[_HEAD.size :]
    if len(text) >= CURSOR_MAX or version != _VERSION or len(places) % _PLACE_BYTES or cut > 1:
        raise cursor_refused(NO_CURSOR)
    if found != scope:
        raise cursor_refused(OTHER_SCOPE)
    return LogCursor(made / 1000, bool(cut), [_place(places[at:]) for at in range(0, len(places), _PLACE_BYTES)])


def cursor_refused(why: str) -> RequestRefused:
    """What is answered to a cursor of nothing here."""
    return RequestRefused(
        "The log cannot be read on from there.", why=why, do="Ask without: after. Then it begins with the last lines."
    )


def _packed(place: Place) -> bytes:
    # A log that is larger than supervisord makes any is not found again, and that is told.
    return place.mark + min(place.offset, _LARGEST_OFFSET).to_bytes(_OFFSET_BYTES, "big")


def _place(data: bytes) -> Place:
    return Place(int.from_bytes(data[MARK_BYTES:_PLACE_BYTES], "big"), data[:MARK_BYTES])
