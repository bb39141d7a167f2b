"""The cursor of a log line in systemd's journal: one place there, which holds for all programs of an app.

It comes back from a browser, so it is taken for something that anybody may have made. What it is followed to are lines
of the app alone, wherever it leads.
"""

from __future__ import annotations

import base64
import struct

from potions.host.journal import Position
from potions.host.log_cursor import NO_CURSOR, OTHER_SCOPE, SCOPE_BYTES, cursor_refused

#: So that none is taken for one of files.
_VERSION = 2
#: journalctl knows no later moment: the end of the year 9999, in microseconds since 1970.
_LATEST = 253_402_300_799_000_000
_HEAD = struct.Struct(f">B{SCOPE_BYTES}s")


def encode_position(scope: bytes, position: Position) -> str:
    """The text of a cursor: about 92 characters."""
    return base64.urlsafe_b64encode(_HEAD.pack(_VERSION, scope) + position.packed()).decode().rstrip("=")


def decode_position(text: str, scope: bytes) -> Position:
    """Where a cursor leads. Raises RequestRefused for what is none, or one of other logs."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, found = _HEAD.unpack_from(data)
        position = Position.unpack(data[_HEAD.size :])
    except (ValueError, struct.error) as error:
        raise cursor_refused(NO_CURSOR) from error
    if version != _VERSION or position.realtime > _LATEST:
        raise cursor_refused(NO_CURSOR)
    if found != scope:
        raise cursor_refused(OTHER_SCOPE)
    return position
