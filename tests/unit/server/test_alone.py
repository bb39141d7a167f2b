"""Two installs at once do not meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from potions.errors import HomeBusy
from potions.server.alone import alone


def test_the_second_is_refused_and_a_later_one_is_not(tmp_path: Path) -> None:
    """Nothing is left behind either."""
    with alone(tmp_path), pytest.raises(HomeBusy), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
