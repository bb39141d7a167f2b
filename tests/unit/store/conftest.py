"""A store in a fresh file, and an app with a release in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potions.model.app import App, Ports, choose_ports
from potions.model.deployment import Deployment, Kind
from potions.names import AppName, ReleaseId
from potions.secret import Sealer, new_key
from potions.store.store import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "agent.db"


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(new_key())


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that the migrations made, to be copied: most tests are about what comes after them."""
    path = tmp_path_factory.mktemp("store") / "agent.db"
    Store.open(path, Sealer(new_key())).close()
    return path


@pytest.fixture
def store(database: Path, sealer: Sealer, empty_database: Path) -> Iterator[Store]:
    shutil.copy(empty_database, database)
    store = Store.open(database, sealer)
    yield store
    store.close()


@pytest.fixture
def choose() -> Callable[[set[int]], Ports | None]:
    """The real rule, on a computer where nobody listens."""
    return lambda taken: choose_ports(4000, taken, lambda _port: True)


@pytest.fixture
def app(store: Store, choose: Callable[[set[int]], Ports | None]) -> App:
    return store.create_app(AppName("blog"), choose, {"PHX_HOST": "blog.localhost", "SECRET_KEY_BASE": "made-for-blog"})


@pytest.fixture
def release(store: Store, app: App) -> ReleaseId:
    return store.add_release(app.id, ReleaseId("a" * 64), "tar.gz", 1000, "blog.tar.gz").id


@pytest.fixture
def deploy(store: Store, app: App, release: ReleaseId) -> Callable[..., Deployment]:
    """Put a deployment of the app into the queue."""

    def create(kind: Kind = Kind.DEPLOY, release_id: ReleaseId = release, target: int | None = None) -> Deployment:
        return store.create_deployment(app.id, kind, release_id, "ana", target)

    return create
