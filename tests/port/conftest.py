"""The implementations that the ports are tried over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.supervised import IMPLEMENTATIONS, Stage


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def shared_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with IMPLEMENTATIONS[request.param]() as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """The shared supervisor, without a service of this test's afterwards."""
    before = set(shared_stage.supervisor.states())
    yield shared_stage
    for name in set(shared_stage.supervisor.states()) - before:
        shared_stage.supervisor.remove(name)
