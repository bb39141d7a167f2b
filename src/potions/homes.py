"""Which home is meant: a server's, or an embedded one. Apart from everything heavy, because every command asks."""

from __future__ import annotations

import os
from pathlib import Path

from potions.layout import SERVER, Home

_HOME = "POTIONS_HOME"
#: The home of a user, and of root: nobody else may enter root's own directory, so apps could not reach theirs there.
_USERS_HOME = Path("~/.local/share/potions")
_ROOTS_HOME = Path("/var/lib/potions-embedded")


def home_from_environment() -> Home:
    """The home that ``POTIONS_HOME`` names; else that of the server this computer was made; else the user's own."""
    named = os.environ.get(_HOME)
    if named:
        return Home(Path(named).expanduser().absolute())
    own = Home(_ROOTS_HOME if os.geteuid() == 0 else _USERS_HOME.expanduser())
    return SERVER if is_server() and not own.settings.exists() else own


def is_server() -> bool:
    """Whether ``potions server install`` was run on this computer; also where somebody removed its settings since."""
    return SERVER.settings.exists() or SERVER.current.exists()
