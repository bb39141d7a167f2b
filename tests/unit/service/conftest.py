"""A service with nothing running, and an app in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from potions.layout import AppTree, Home
from potions.model.app import App, Ports
from potions.model.deployment import Deployment, Kind
from potions.names import AppName, ReleaseId
from potions.service import Service
from potions.service.context import Context
from support.bare_home import bare_home
from support.still_service import still_service

RELEASE = ReleaseId("a" * 64)


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with bare_home() as made:
        yield made


@pytest.fixture(scope="module")
def service(home: Home) -> Iterator[Service]:
    with still_service(home) as made:
        yield made


@pytest.fixture
def context(service: Service) -> Context:
    return service.context


@pytest.fixture
def app(context: Context) -> Iterator[App]:
    """An app with its tree. The proxy does not know it: there is none."""
    variables = {"PHX_HOST": "blog.localhost"}
    made = context.store.create_app(AppName("blog"), lambda _taken: Ports(4000), variables)
    context.trees.create(context.tree(made))
    yield made
    context.store.delete_app(made.id, None)
    shutil.rmtree(context.tree(made).root)


@pytest.fixture
def tree(context: Context, app: App) -> AppTree:
    return context.tree(app)


@pytest.fixture
def queued(context: Context, app: App) -> Deployment:
    """A deploy that waits."""
    context.store.add_release(app.id, RELEASE, "tar.gz", 100, f"{datetime.now(UTC)}.tar.gz")
    return context.store.create_deployment(app.id, Kind.DEPLOY, RELEASE, "ana")
