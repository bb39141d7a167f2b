"""Stories run against a real Potions. One home serves all stories of a worker; each story has apps of its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potions.errors import PotionsError
from support.platform import Platform
from support.releases import behave_release


@pytest.fixture(scope="session")
def shared_platform() -> Iterator[Platform]:
    platform = Platform()
    try:
        yield platform.up()
    finally:
        platform.close()


@pytest.fixture
def potions(shared_platform: Platform) -> Iterator[Platform]:
    """A Potions that runs. Apps that a story made are gone afterwards, and what it left among them and in the trash."""
    yield shared_platform
    with shared_platform.client as client:
        try:
            all_run = all(part.running for part in client.status().parts)
        except PotionsError:
            all_run = False
        if not all_run:
            shared_platform.up()
        for app in client.apps():
            client.delete_app(app.name, purge=True)
        for entry in client.trash():
            client.purge_trash(entry.name)
    for left in set(shared_platform.home.apps.iterdir()) - {shared_platform.home.trash}:
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


@pytest.fixture
def own_potions() -> Iterator[Platform]:
    """A Potions for one story alone, for what would disturb the others."""
    platform = Platform()
    try:
        yield platform.up()
    finally:
        platform.close()


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Path]:
    """Makes releases of the behave app: ``release("1", always_500=True)``."""
    numbers = itertools.count(1)

    def make(version: str, **options: object) -> Path:
        return behave_release(tmp_path / f"release-{next(numbers)}", version, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def names() -> Iterator[str]:
    """Names for apps, none of them twice."""
    return (f"app-{number}" for number in itertools.count(1))
