"""A service whose supervisor and proxy run, with an app in it. The agent itself is the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import msgspec
import pytest

from potions.layout import AppTree, Home
from potions.model.app import App, Ports
from potions.names import AppName
from potions.service import Service
from potions.service.context import Context
from potions.settings import Settings
from support.bare_home import bare_home, running_caddy, running_supervisord
from support.platform import claim_block, free_port
from support.still_service import still_service


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with bare_home() as made:
        yield made


@pytest.fixture(scope="module")
def service(home: Home) -> Iterator[Service]:
    port = free_port()
    with running_supervisord(home), running_caddy(home, port), still_service(home, port) as made:
        settle_files(home, made.context.settings)
        yield made


def settle_files(home: Home, settings: Settings) -> None:
    """What `potions up` writes and these fixtures do not."""
    home.settings.write_bytes(msgspec.json.encode(settings))
    for path in (home.settings, home.supervisor_config):
        path.chmod(0o600)


@pytest.fixture
def context(service: Service) -> Context:
    return service.context


@pytest.fixture
def app(service: Service, context: Context) -> Iterator[App]:
    """An app to which nothing is deployed."""
    first_port, block = claim_block()
    made = context.store.create_app(AppName("blog"), lambda _taken: Ports(first_port), {})
    context.trees.create(context.tree(made))
    service.apps.put_site(made)
    yield made
    block.close()
    if made.name in {one.name for one in context.store.apps()}:
        context.store.delete_app(made.id, None)
    shutil.rmtree(context.tree(made).root, ignore_errors=True)
    context.proxy.remove_site(made.name)


@pytest.fixture
def tree(context: Context, app: App) -> AppTree:
    return context.tree(app)
