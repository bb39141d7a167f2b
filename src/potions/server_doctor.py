"""The doctor of a server: asks the agent, and looks by itself, as root, where there is none that answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from potions import __version__
from potions.client import Client
from potions.embedded.home import load_settings, refuse_missing_key
from potions.errors import (
    AgentLost,
    AgentUnreachable,
    HomeRefused,
    NotPermitted,
    PotionsError,
    RequestRefused,
    StartFailed,
    SupervisorRefused,
)
from potions.host.caddy import Caddy
from potions.host.doctor.computer import admins, look_at_computer
from potions.host.doctor.disks import look_at_disk
from potions.host.doctor.entries import look_at
from potions.host.doctor.platform_parts import PlatformParts, parts_of
from potions.host.doctor.process_table import name_of
from potions.host.doctor.units import look_at_units
from potions.host.listeners import every_listener
from potions.host.programs import caddy_version
from potions.host.systemd import Systemd
from potions.host.trees import ROOM_KEPT
from potions.layout import Server
from potions.model.doctor import computer, entries, parts, ports, room, units
from potions.model.doctor import home as homes
from potions.model.doctor.entries import Thing, Wanted
from potions.model.doctor.finding import Finding, worst_first, worst_of
from potions.model.service import Phase
from potions.schema import Checkup, Looked, Treated, Treatment
from potions.server import looks
from potions.settings import Settings

Say = Callable[[str], None]
_Looks = tuple[str, list[Finding]]

#: What has to run beside Caddy and the agent.
_UNITS = (
    *("potions-agent.socket", "potions-agent-web.socket", "potions-dashboard.socket"),
    "potions-dashboard.service",
)
_AGENT_UNIT = "potions-agent.service"
_PUBLIC = (80, 443)
_ANYBODY = 0o077
_PATIENCE = 60.0
_POLL = 0.1


def look(server: Server, app: str | None) -> Checkup:
    """What the agent finds, or what root can see without it.

    Raises what the agent refuses with, as AppUnknown; NotPermitted for who may neither ask it nor look.
    """
    with Client(server.agent_socket) as client:
        try:
            found = client.checkup(app)
        except (AgentUnreachable, AgentLost) as error:
            return _look_as_root(server, error)
        except RequestRefused:
            return _too_old(server, client.status().version)
    if found.version == __version__:
        return found
    return msgspec.structs.replace(found, findings=worst_first([*found.findings, _of_another_version(found.version)]))
