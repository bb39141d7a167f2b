"""A dashboard over the agent's real service, an app of which nothing runs yet, and people of each role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.layout import AppTree
from potions.names import AppName
from potions.schema import Role
from support.bare_home import app_account, running_supervisord
from support.browsers import Browser, Dashboard, open_dashboard
from support.doors import open_doors

APP = "gallery"


@pytest.fixture(scope="module")
def dashboard() -> Iterator[Dashboard]:
    with open_doors() as doors, running_supervisord(doors.home):
        doors.app(APP)
        with open_dashboard(doors) as opened:
            yield opened


@pytest.fixture(scope="module")
def deployer(dashboard: Dashboard) -> Iterator[Browser]:
    with dashboard.browser(Role.DEPLOYER) as browser:
        yield browser


@pytest.fixture(scope="module")
def viewer(dashboard: Dashboard) -> Iterator[Browser]:
    with dashboard.browser(Role.VIEWER) as browser:
        yield browser


@pytest.fixture
def tree(dashboard: Dashboard) -> Iterator[AppTree]:
    """The app's tree, with nothing in its storage."""
    context = dashboard.doors.service.context
    made = context.tree(context.app(AppName(APP)))
    yield made
    for name in os.listdir(made.storage):
        dashboard.doors.service.storage.remove(APP, name, recursive=True)


class Storage:
    """What the app itself writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: bytes | str, data: bytes = b"") -> None:
        account = app_account()
        path = self.folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for made in (path, *path.relative_to(self.folder).parents):
            os.chown(self.folder / made, account.uid, account.gid)


@pytest.fixture
def storage(tree: AppTree) -> Storage:
    return Storage(tree.storage)
