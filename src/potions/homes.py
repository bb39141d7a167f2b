"""Which embedded home is meant. Apart from everything heavy, because every command asks."""

from __future__ import annotations

import os
from pathlib import Path

from potions.layout import Home

_HOME = "POTIONS_HOME"
#: The home of a user, and of root: nobody else may enter root's own directory, so apps could not reach theirs there.
_USERS_HOME = Path("~/.local/share/potions")
_ROOTS_HOME = Path("/var/lib/potions-embedded")


def home_from_environment() -> Home:
    """The home that ``POTIONS_HOME`` names, or the default one."""
    named = os.environ.get(_HOME)
    if named:
        return Home(Path(named).expanduser().absolute())
    return Home(_ROOTS_HOME if os.geteuid() == 0 else _USERS_HOME.expanduser())
