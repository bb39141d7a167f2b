"""Opening an address for a person who sits in front of a screen."""

from __future__ import annotations

import os
import sys
import webbrowser
from urllib.parse import urlsplit

from potions.cli.connection import chosen_server
from potions.cli.screen import say, stderr, stdout

#: Such a name is each computer's own.
_EVERYWHERE = ".localhost"


def open_where_it_can(address: str) -> None:
    """Open an address in the browser, where there is a terminal and a screen to be shown on.

    One that leads to whatever computer it is typed on says so where that is not the one that is meant.
    """
    server = chosen_server()
    if server is not None and (urlsplit(address).hostname or "").endswith(_EVERYWHERE):
        say(f"That address is one on {server.name} itself; from here it leads to this computer.", console=stderr())
        return
    if stdout().is_terminal and _has_a_screen():
        webbrowser.open(address)


def _has_a_screen() -> bool:
    """Without one, a browser would be a program in this terminal, which nobody asked for."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
