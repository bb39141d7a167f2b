"""What a handler is handed beside what the request itself says."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from potions.service import Service

#: Everything that may be asked.
Asked = NamedDependency[Service]
AgentRequest = Request[Any, Any, Any]


def caller(request: AgentRequest) -> str:
    """Who asks: the name of the system user at the other end of the socket."""
    return request.client.host if request.client else ""
