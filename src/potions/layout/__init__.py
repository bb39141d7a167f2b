"""The directory tree: every path, owner and mode, in one place. Pure: nothing here touches the disk."""

from potions.layout.app_tree import (
    ENV_FILE_MODE,
    FIRST_LIVE,
    HOLDS_MODE,
    PUTS_MODE,
    SECRET_KEY_MODE,
    SLOT_MODE,
    AppTree,
    Colour,
    Entry,
    Owner,
)
from potions.layout.home import AGENT_SOCKET, SOCKET_PATH_MAX, TERMINAL_SUFFIX, Home
from potions.layout.server import SERVER, SITE_MODE, Server

__all__ = [
    "AGENT_SOCKET",
    "ENV_FILE_MODE",
    "FIRST_LIVE",
    "HOLDS_MODE",
    "PUTS_MODE",
    "SECRET_KEY_MODE",
    "SERVER",
    "SITE_MODE",
    "SLOT_MODE",
    "SOCKET_PATH_MAX",
    "TERMINAL_SUFFIX",
    "AppTree",
    "Colour",
    "Entry",
    "Home",
    "Owner",
    "Server",
]
