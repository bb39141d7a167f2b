"""The API over a service in which nothing runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from potions.agent.app import make_app
from potions.layout import AGENT_SOCKET
from potions.service import Service
from support.bare_home import bare_home
from support.still_service import still_service

#: As if it came through the socket whose peers have all rights.
AGENT = f"http://{AGENT_SOCKET}"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with bare_home() as home, still_service(home) as made:
        yield made


@pytest.fixture(scope="module")
def api(service: Service) -> Iterator[TestClient]:  # type: ignore[type-arg]
    with TestClient(make_app(service), base_url=AGENT, raise_server_exceptions=False) as client:
        yield client
