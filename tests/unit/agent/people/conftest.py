"""Both doors of an agent, with two apps behind them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.doors import Doors, open_doors


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with open_doors() as made:
        made.app("blog")
        made.app("shop")
        yield made
