"""What the Storage tab says to developers is what the guides say."""

from __future__ import annotations

from pathlib import Path

import pytest

from potions.dashboard.frameworks import FRAMEWORKS, Framework, framework_called

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.key)
def test_each_line_of_code_stands_in_its_guide(framework: Framework) -> None:
    """The tests of the guides run it; here nobody would notice that it has become wrong."""
    guide = (ROOT / framework.guide).read_text().replace(":pictures,", ":my_app,")
    assert [line for line in framework.code.splitlines() if line not in guide] == []


def test_a_framework_that_nobody_knows_is_none() -> None:
    """It comes from an address, which anybody can write."""
    assert framework_called("cobol") is None
