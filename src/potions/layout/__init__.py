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
from potions.layout.server import (
    ADMIN_GROUP,
    APPS_USER,
    CADDY_USER,
    DASHBOARD_USER,
    SERVER,
    SITE_MODE,
    Directory,
    Server,
    home_of_socket,
)

__all__ = [
    "ADMIN_GROUP",
    "AGENT_SOCKET",
    "APPS_USER",
    "CADDY_USER",
    "DASHBOARD_USER",
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
    "Directory",
    "Entry",
    "Home",
    "Owner",
    "Server",
    "home_of_socket",
]
