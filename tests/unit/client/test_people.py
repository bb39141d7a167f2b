"""On whose behalf a client asks, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.client import Behalf, Client
from potions.errors import CredentialRefused
from potions.schema import Caller, Role, Way
from support.canned_agent import CannedAgent, running_agent

WHO = Caller("anna", Way.DASHBOARD, Role.OWNER)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[CannedAgent]:
    with running_agent(tmp_path / "web.sock") as running:
        running.says("GET", "/session", WHO)
        yield running


def test_each_client_asks_on_its_own_behalf(agent: CannedAgent) -> None:
    """Over the same connections; the one that lends them asks on nobody's."""
    with Client(agent.socket) as web:
        one = web.speaking_for(Behalf("ps_one", "192.0.2.1", "Fox/1"))
        other = web.speaking_for(Behalf("ps_other"))
        for client in (one, other, web):
            assert client.caller() == WHO
    headers = [asked.headers for asked in agent.asked]
    assert [one.get("Authorization") for one in headers] == ["Bearer ps_one", "Bearer ps_other", None]
    assert [one.get("Potions-From") for one in headers] == ["192.0.2.1", None, None]
    assert headers[0]["User-Agent"] == "Fox/1"


def test_closing_one_leaves_the_others_their_connection(agent: CannedAgent) -> None:
    """A page that ends takes nothing from the next one."""
    with Client(agent.socket) as web:
        with web.speaking_for(Behalf("ps_one")) as one:
            one.caller()
        assert web.speaking_for(Behalf("ps_two")).caller() == WHO
        assert web.caller() == WHO


def test_a_credential_does_not_print() -> None:
    """Nor does it break a header open."""
    assert "ps_secret" not in repr(Behalf("ps_secret", "192.0.2.1"))
    for text in ("ps_a\r\nX: y", "ps_\x00", "ps_é", "ps_\u2028"):
        with pytest.raises(CredentialRefused):
            Behalf(text).headers  # noqa: B018 - it is computed


def test_what_a_browser_says_is_made_plain(agent: CannedAgent) -> None:
    """Its name and its place may be any bytes, and are no way to another header."""
    with Client(agent.socket) as web:
        web.speaking_for(Behalf("ps_x", "é\r\nX-Y: z", "a\u2028b" + "x" * 5000)).caller()
    headers = agent.asked[0].headers
    assert headers["Potions-From"] == "???X-Y: z"
    assert headers["User-Agent"].startswith("a?bxxx") and len(headers["User-Agent"]) == 200
    assert "X-Y" not in headers
