"""The dashboard in real Chromium, over a real platform. Each module has one platform and one browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from potions.schema import Role
from support.browsing import CHROMIUM, Dashboard, Visit, chromium
from support.platform import Platform
from support.releases import as_tar_gz, behave_release


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium: scripts/install_test_tools installs it")
    made = Platform()
    try:
        yield made.up()
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(platform: Platform) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared_dashboard(platform: Platform, browser: Browser) -> Dashboard:
    return Dashboard(platform, browser)


@pytest.fixture
def dashboard(shared_dashboard: Dashboard) -> Iterator[Dashboard]:
    """No page of a test may have complained in its console, of the content security policy above all."""
    shared_dashboard.complaints.clear()
    yield shared_dashboard
    shared_dashboard.close_contexts()
    assert not shared_dashboard.complaints


@pytest.fixture
def visit(dashboard: Dashboard) -> Visit:
    """Opens a page as somebody of a role, in a browser profile of its own."""

    def open_page(path: str = "/", role: Role = Role.OWNER, **options: object) -> Page:
        return dashboard.open(path, dashboard.credential(role.value, role), **options)

    return open_page


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Makes a release of the behave app as an archive: ``archive("1")``."""

    def make(version: str, **behaviour: object) -> Path:
        return as_tar_gz(behave_release(tmp_path / f"release-{version}", version, **behaviour))  # type: ignore[arg-type]

    return make
