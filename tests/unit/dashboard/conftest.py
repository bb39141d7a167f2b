"""One dashboard for the tests of its pages, before an agent that says what a test has it say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from potions.schema import Role
from support.canned_dashboard import Browser, browsing


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Browser) -> Browser:
    """Somebody who is signed in as an owner."""
    shared_browser.becomes(Role.OWNER)
    return shared_browser
