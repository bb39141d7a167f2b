"""The agent away and back, and two browsers that look at the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from potions.errors import AgentUnreachable
from potions.host.supervisord import Supervisord
from support.browsing import Dashboard, Visit, flaws
from support.platform import wait_for


@contextmanager
def agent_away(dashboard: Dashboard) -> Iterator[None]:
    """The agent is stopped in the block, and answers again behind it."""
    supervisor = Supervisord(dashboard.platform.home)
    supervisor.stop(["agent"], 30)
    try:
        yield
    finally:
        supervisor.start("agent")
        wait_for(lambda: _answers(dashboard), "the agent to answer")


def _answers(dashboard: Dashboard) -> bool:
    try:
        return bool(dashboard.platform.client.status().parts)
    except AgentUnreachable:
        return False


def test_a_page_says_that_the_agent_is_away_and_goes_on_by_itself(dashboard: Dashboard, visit: Visit) -> None:
    """Without anybody who loads it anew, and where one was."""
    page = visit("/trash")
    with agent_away(dashboard):
        page.reload()
        assert "does not answer right now" in page.inner_text("h1")
        assert flaws(page, "away") == []
    expect(page.get_by_role("heading", level=1)).to_have_text("Trash", timeout=60_000)
    dashboard.expect_complaint("503")


def test_an_open_page_says_it_above_and_goes_on(dashboard: Dashboard, visit: Visit) -> None:
    """What is on it stays readable meanwhile; without a script running the page would just stay."""
    dashboard.platform.client.create_app("watched")
    page = visit("/")
    bar = page.locator("#away")
    assert not bar.is_visible()
    with agent_away(dashboard):
        expect(bar).to_be_visible(timeout=30_000)
        assert page.get_by_role("link", name="watched").first.is_visible()
        assert flaws(page, "away-above") == []
    expect(bar).to_be_hidden(timeout=60_000)
    dashboard.expect_complaint("503")


def test_what_one_browser_does_the_other_sees(dashboard: Dashboard, visit: Visit) -> None:
    """Without loading the page anew, and without losing what is typed there at that moment."""
    dashboard.platform.client.create_app("first")
    one, other = visit("/"), visit("/")
    other.get_by_label("Name", exact=True).fill("half-typed")
    other.evaluate("window.stillHere = true")
    one.get_by_label("Name", exact=True).fill("second")
    one.get_by_role("button", name="Create").click()
    expect(one.get_by_role("heading", level=1)).to_have_text("second")
    expect(other.get_by_role("link", name="second", exact=True)).to_be_visible(timeout=30_000)
    assert other.evaluate("window.stillHere") is True
    assert other.get_by_label("Name", exact=True).input_value() == "half-typed"
    one.goto("/apps/second/delete")
    one.get_by_label("Type the app's name: second").fill("second")
    one.get_by_role("button", name="Delete second").click()
    expect(one.get_by_role("heading", level=1)).to_have_text("Trash")
    expect(other.get_by_role("link", name="second", exact=True)).to_have_count(0, timeout=30_000)
    other.goto("/apps/second")
    assert "There is no app called second." in other.inner_text("h1")
    dashboard.expect_complaint("status of 404")
