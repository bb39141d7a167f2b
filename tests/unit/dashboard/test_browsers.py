"""How a session's browser is called."""

from __future__ import annotations

import pytest

from potions.dashboard.browsers import browser_name

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome on Linux"),
        (CHROME + " Edg/140.0.0.0", "Edge on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/1 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.14.1", "curl"),
        ("something/1.0", "something/1.0"),
        ("", "unknown"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_browser_is_called_as_its_owner_calls_it(agent: str, name: str) -> None:
    """And whatever else asks, as it calls itself, not for longer than fits."""
    assert browser_name(agent) == name
