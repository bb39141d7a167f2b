"""Opening an address for a person who sits in front of a screen."""

from __future__ import annotations

import os
import sys
import webbrowser

from potions.cli.screen import stdout


def open_where_it_can(address: str) -> None:
    """Open an address in the browser, where there is a terminal and a screen to be shown on."""
    if stdout().is_terminal and _has_a_screen():
        webbrowser.open(address)


def _has_a_screen() -> bool:
    """Without one, a browser would be a program in this terminal, which nobody asked for."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
