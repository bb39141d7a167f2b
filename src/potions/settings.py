"""The settings of an embedded home, kept in ``potions.json`` so that every ``potions up`` finds them again."""

from __future__ import annotations

import msgspec

HTTP_PORT = 8480
FIRST_PORT = 4000
#: How far above the HTTP port the platform's own epmd listens.
EPMD_DISTANCE = 1000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one home runs with."""

    http_port: int
    """Where Caddy listens, on 127.0.0.1."""
    first_port: int
    """Where the pairs of ports of the apps begin."""
    epmd_port: int
    """Where the platform's own Erlang port mapper listens."""
    probe_token: str
    """What a request must carry to be told which slot answered."""
    app_user: str
    """The system user that apps run as."""
    search_path: str
    """``PATH`` of the apps: that of whoever ran ``potions up`` last, without Potions' own programs."""


def read_settings(data: bytes) -> Settings | None:
    """What stands in a ``potions.json``; None where that is no settings."""
    try:
        return msgspec.json.decode(data, type=Settings)
    except msgspec.MsgspecError:
        return None
