"""Crash tests: the agent kills itself at a named point of a flow, and is started again by its supervisor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.crashing import Crashing
from support.platform import Platform


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    platform = Platform()
    platform.environment["POTIONS_DIE_AT"] = str(platform.folder / "die-at")
    try:
        subject = Crashing(platform.up(), tmp_path_factory.mktemp("releases"))
        subject.prepare()
        yield subject
    finally:
        platform.close()
