"""What something that is being put is called on its way, and how it is told from what the app itself calls so."""

from __future__ import annotations

import re
from pathlib import Path

from potions.host.descriptors import look

_TOKEN_NAME = re.compile(r"\.potions-put-([0-9a-f]{32})\Z")


def temporary_name(token: str) -> str:
    """What something on its way is called; ``token`` are 32 hexadecimal digits."""
    return f".potions-put-{token}"


def token_of(name: str) -> str | None:
    """The token in such a name; None for any other name."""
    found = _TOKEN_NAME.match(name)
    return found[1] if found else None


def is_on_its_way(name: str, folder: int, puts: Path) -> bool:
    """Whether ``name``, which was seen in an open folder, is of a put: its token is written down in ``puts``.

    It is from before there is such a name until after there is none: so one that is not written down, and is still
    there, is the app's own.
    """
    token = token_of(name)
    return token is not None and (look(puts / token) is not None or look(name, within=folder) is None)
