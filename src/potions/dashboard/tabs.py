"""The tabs of an app, in their order. A new tab is a line here and a file in ``pages``."""

from __future__ import annotations

from typing import NamedTuple

from potions.schema import Role


class Tab(NamedTuple):
    """One tab: its name in templates, what it is called, and its place below the app's address."""

    key: str
    label: str
    path: str
    needs: Role | None = None
    """Nobody else sees it; None: everybody does."""


TABS = (
    Tab("overview", "Overview", ""),
    Tab("deployments", "Deployments", "/deployments"),
    Tab("environment", "Environment", "/environment"),
    Tab("domains", "Domains", "/domains"),
    Tab("storage", "Storage", "/storage"),
    Tab("logs", "Logs", "/logs"),
    Tab("console", "Console", "/console", Role.OWNER),
    Tab("settings", "Settings", "/settings"),
)
