"""Values of variables in the browser: only where somebody asked for exactly that one, and never in a log."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from potions.errors import RoleNeeded
from potions.schema import Role
from support.browsing import Dashboard, Visit
from support.releases import behave_release

SECRET = "a-value-that-nobody-else-has"
OTHER = "another-value-of-its-own"
PAGES = ("", "/deployments", "/deployments/1", "/releases", "/environment", "/storage", "/logs", "/settings")


@pytest.mark.contract("P8")
def test_a_value_is_in_a_page_only_where_it_was_asked_for(dashboard: Dashboard, visit: Visit, tmp_path: Path) -> None:
    """Saved, deployed and edited by the dashboard, it stands in no other page, in no log and not in the audit log."""
    platform = dashboard.platform
    platform.client.create_app("sealed")
    page = visit("/apps/sealed/environment")
    for name, value in (("TOKEN", SECRET), ("OTHER", OTHER)):
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Value", exact=True).fill(value)
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator(f"#v-{name}")).to_contain_text("saved")
        assert value not in page.content()
    platform.do("deploy", str(behave_release(tmp_path / "1", "1")), "--app", "sealed")
    for path in PAGES:
        page.goto(f"/apps/sealed{path}")
        assert SECRET not in page.content() and OTHER not in page.content(), path
    page.goto("/apps/sealed/environment")
    page.locator("#v-TOKEN").get_by_role("button", name="Reveal").click()
    expect(page.locator("#v-TOKEN .value")).to_contain_text(SECRET)
    assert OTHER not in page.content()
    page.goto("/audit")
    expect(page.locator("main")).to_contain_text("TOKEN")
    assert SECRET not in page.content()
    for log in (*platform.home.logs.iterdir(), *platform.tree("sealed").logs.iterdir()):
        assert SECRET.encode() not in log.read_bytes(), log


@pytest.mark.contract("P8")
def test_a_viewer_cannot_have_a_value_shown(dashboard: Dashboard, visit: Visit) -> None:
    """There is no button, and the address behind it refuses."""
    dashboard.platform.client.create_app("closed")
    dashboard.platform.do("env", "set", "closed", f"TOKEN={SECRET}")
    page = visit("/apps/closed/environment", Role.VIEWER)
    expect(page.locator("#v-TOKEN")).to_be_visible()
    assert page.get_by_role("button", name="Reveal").count() == 0
    with dashboard.asking(dashboard.credential("viewer", Role.VIEWER)) as viewer, pytest.raises(RoleNeeded):
        viewer.variables("closed", reveal=True)
    assert SECRET not in page.content()
