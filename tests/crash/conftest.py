"""Crash tests: the agent kills itself at a named point of a flow, and is started again by its supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.crashing import TASKS, Crashing
from support.platform import Platform


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    with _crashing(tmp_path_factory, TASKS) as subject:
        yield subject


@pytest.fixture(scope="module")
def handing_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    """The same, with an app of one writer."""
    with _crashing(tmp_path_factory, f'{TASKS}strategy = "handover"\n') as subject:
        yield subject


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    """The same, with a worker."""
    with _crashing(tmp_path_factory, f'{TASKS}[processes.mails]\ncommand = "exec sleep 3600"\n') as subject:
        yield subject


@contextmanager
def _crashing(tmp_path_factory: pytest.TempPathFactory, manifest: str) -> Iterator[Crashing]:
    platform = Platform()
    platform.environment["POTIONS_DIE_AT"] = str(platform.folder / "die-at")
    try:
        subject = Crashing(platform.up(), tmp_path_factory.mktemp("releases"), manifest)
        subject.prepare()
        yield subject
    finally:
        platform.close()
