"""Where a browser may be sent, and what its cookies are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.place import Place
from potions.dashboard.visit import own_path


@pytest.mark.parametrize("path", ["/", "/apps/blog", "/apps/blog/storage?path=a%20b"])
def test_a_path_of_the_dashboard_is_gone_to(path: str) -> None:
    """After signing in one is where one wanted to be."""
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "apps",
        "//evil.example",
        "/\\evil.example",
        "http://evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "/ä",
        "/\t/x",
    ],
)
def test_nobody_is_sent_elsewhere(path: str) -> None:
    """A link with ``next=`` in it comes from anywhere."""
    assert own_path(path) == "/"


@given(st.text())
def test_whatever_next_says_the_browser_stays_here(text: str) -> None:
    """A path that browsers read as another host begins with two slashes, of either kind."""
    path = own_path("/" + text)
    assert path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()


def place(address: str) -> Place:
    return Place(Path("/agent"), Path("/listens"), address, b"k" * 32)


def test_two_homes_have_cookies_of_their_own() -> None:
    """Browsers keep cookies apart by host and not by port: signing in to one would sign out of the other."""
    names = {
        place(address).cookie("session")
        for address in ("http://potions.localhost:8480", "http://potions.localhost:8481")
    }
    assert len(names) == 2


def test_a_cookie_is_secure_where_the_address_is() -> None:
    """On a laptop there is no HTTPS."""
    assert place("https://potions.example.com").is_https
    assert not place("http://potions.localhost:8480").is_https
    assert "kkk" not in repr(place("http://x"))
