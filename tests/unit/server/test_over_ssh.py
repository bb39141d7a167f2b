"""What is made of a look at another computer. Its install itself is tried on machines: `tests/machines`."""

from __future__ import annotations

import pytest

from potions.server.over_ssh import There


@pytest.mark.parametrize(
    ("there", "here", "is_newer"),
    [
        ("0.2.0-1f2e3d4c5b6a", "0.1.0", True),
        ("0.10.0-1f2e3d4c5b6a", "0.9.0", True),
        ("1.0-1f2e3d4c5b6a", "1.0rc1", True),
        ("0.1.0-1f2e3d4c5b6a", "0.1.0", False),
        ("0.1.0-1f2e3d4c5b6a", "0.2.0", False),
        ("something-else", "0.1.0", False),
        ("", "0.1.0", False),
    ],
)
def test_versions_are_compared_as_versions(there: str, here: str, is_newer: bool) -> None:
    """Number by number; what has none is never newer."""
    assert There(there).is_newer_than(here) is is_newer
