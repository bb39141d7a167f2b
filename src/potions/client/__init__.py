"""The agent's API as a typed Python object: one method a route, a file a noun, over the agent's unix socket."""

from __future__ import annotations

from potions.client.apps import AppCalls
from potions.client.deployments import (
    PACKED_BYTES,
    UNPACKED_BYTES,
    DeploymentCalls,
    deployment_events,
    release_uploads,
)
from potions.client.doctor import DoctorCalls
from potions.client.domains import DomainCalls
from potions.client.logs import LogCalls, LogFile
from potions.client.people import PeopleCalls
from potions.client.releases import ReleaseCalls
from potions.client.storage import Incoming, StorageCalls
from potions.client.streams import Streams, stored_route
from potions.client.terminal import TerminalCalls
from potions.client.variables import VariableCalls
from potions.client.versions import Elsewhere
from potions.client.wire import Behalf, app_path, error_from

__all__ = [
    "PACKED_BYTES",
    "UNPACKED_BYTES",
    "Behalf",
    "Client",
    "Elsewhere",
    "Incoming",
    "LogFile",
    "Streams",
    "app_path",
    "deployment_events",
    "error_from",
    "release_uploads",
    "stored_route",
]


class Client(
    AppCalls,
    DomainCalls,
    DeploymentCalls,
    ReleaseCalls,
    VariableCalls,
    LogCalls,
    StorageCalls,
    DoctorCalls,
    PeopleCalls,
    TerminalCalls,
):
    """Everything that may be asked of one agent. Use it as a context manager, or call ``close``."""
