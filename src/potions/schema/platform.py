"""The platform itself: its parts, its refusals, and what apps print."""

from __future__ import annotations

import msgspec

from potions.layout import Colour
from potions.model.deployment import Deployment
from potions.schema.apps import AppSummary


class ErrorBody(msgspec.Struct, frozen=True):
    """Every refusal, whatever the route: what ``errors.PotionsError`` says."""

    code: str
    what: str
    why: str = ""
    do: str = ""
    exit_status: int = 1
    retry: bool = False


class LogLine(msgspec.Struct, frozen=True):
    """A line an app printed."""

    slot: Colour
    text: str
    process: str = "web"
    """``web``, or the worker that printed it."""
    cursor: str = ""
    """Asked for with ``after`` this, the same logs go on right behind this line. Below 1,000 characters."""
    gap: bool = False
    """No line, but where lines of this process may be missing: they were rotated away before they were read, or
    ``text`` says what else became of them."""


class KnownServer(msgspec.Struct, frozen=True):
    """A server that was added from the computer that Potions runs on, by the user that it runs as."""

    name: str
    address: str
    """``anna@example.org:2222``"""
    dashboard: str = ""
    """As in `PlatformStatus`, when it was added last; empty where that is not known."""
    default: bool = False
    """It is the one that commands mean where none is named."""


class Part(msgspec.Struct, frozen=True):
    """A part of the platform."""

    name: str
    running: bool
    pid: int
    detail: str


class PlatformStatus(msgspec.Struct, frozen=True):
    """What ``potions status`` shows."""

    version: str
    home: str
    http_port: int
    first_port: int
    app_user: str
    parts: list[Part]
    apps: list[AppSummary]
    running: list[Deployment]
    """Deployments that run or wait, in the order of the queue."""
    dashboard: str = ""
    """The address of the dashboard. One that begins with ``http:`` is for this computer alone."""
    host: str = ""
    """How the server is called from outside; empty where Potions runs on somebody's own computer."""
