"""A newcomer's walk, from the first link to an app that was deleted and brought back, in the browser alone."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from support.browsing import PASSWORD, Dashboard, shoot

APP = "gallery"
#: A deploy of the behave app takes about a second; this computer may have other things to do.
DEPLOYED = 120_000
NOTE = "kept through every deploy\n"

Archive = Callable[..., Path]


def said(page: Page, text: str) -> Locator:
    return page.get_by_role("status").filter(has_text=text)


def tab(page: Page, label: str) -> None:
    page.get_by_role("navigation", name=APP).get_by_role("link", name=label, exact=True).click()


@pytest.mark.contract("S6")
@pytest.mark.contract("P2")
@pytest.mark.contract("P4")
@pytest.mark.contract("P5")
@pytest.mark.contract("P6")
@pytest.mark.contract("P7")
@pytest.mark.contract("B9")
def test_a_newcomer_finds_the_way(dashboard: Dashboard, archive: Archive, tmp_path: Path) -> None:
    """Everything that an app's life is made of, each step seen where it happens and again at the app itself."""
    page = dashboard.blank()
    make_the_first_user(page, dashboard)
    make_an_app(page)
    deploy_by_choosing(page, dashboard, archive("1"))
    see_the_storage_variable(page, dashboard)
    save_a_variable(page, dashboard)
    deploy_by_dropping(page, dashboard, archive("2"))
    assert variable_of_the_app(dashboard, "GREETING") == "hello"
    see_a_deploy_fail(page, dashboard, archive("3", exit_at_once={"status": 3, "lines": ["no such table: photos"]}))
    roll_back(page, dashboard)
    keep_a_file(page, dashboard, tmp_path)
    delete_and_restore(page, dashboard)
    # Refused on purpose: the reserved variable. Everything else went through at once.
    dashboard.expect_complaint("status of 400")


def make_the_first_user(page: Page, dashboard: Dashboard) -> None:
    link = re.search(r"http://\S+/welcome/\S+", dashboard.platform.do("up").out)
    assert link
    page.goto(link[0])
    shoot(page, "walk-1-welcome")
    page.get_by_label("Name", exact=True).fill("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(said(page, "Welcome, anna.")).to_be_visible()
    expect(page.get_by_role("heading", name="No app yet")).to_be_visible()
    shoot(page, "walk-2-no-app")


def make_an_app(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill(APP)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(APP)
    shoot(page, "walk-3-app")


def deploy_by_choosing(page: Page, dashboard: Dashboard, archive: Path) -> None:
    tab(page, "Deployments")
    page.locator("#archive").set_input_files(archive)
    watch_it_go_live(page, 1)
    shoot(page, "walk-4-deployed")
    assert dashboard.platform.version(APP) == "1"


def watch_it_go_live(page: Page, number: int) -> None:
    """The browser goes to the deployment by itself, and the page to its end without being loaded anew."""
    page.wait_for_url(f"**/deployments/{number}", timeout=DEPLOYED)
    page.evaluate("window.stillHere = true")
    expect(page.get_by_text(f"serves {APP} now.")).to_be_visible(timeout=DEPLOYED)
    for step in ("unpack", "start", "verify", "switch"):
        expect(page.locator(".step-name", has_text=step).first).to_be_visible()
    assert page.evaluate("window.stillHere") is True


def see_the_storage_variable(page: Page, dashboard: Dashboard) -> None:
    tab(page, "Environment")
    for name in ("STORAGE_DIR", "PORT"):
        row = page.locator(f"#v-{name}")
        expect(row.locator(".badge.auto")).to_have_text("auto")
        lock = row.locator(".lock")
        expect(lock).to_have_text("locked")
        lock.focus()
        expect(row.get_by_role("tooltip")).to_be_visible()
        assert row.get_by_role("link").count() == 0
    expect(page.locator("#v-STORAGE_DIR .value")).to_have_text(str(dashboard.platform.tree(APP).storage))
    own = page.locator("#v-SECRET_KEY_BASE")
    expect(own.locator(".badge.auto")).to_have_text("auto")
    expect(own.get_by_role("link", name="Edit SECRET_KEY_BASE")).to_be_visible()
    assert variable_of_the_app(dashboard, "SECRET_KEY_BASE") not in page.content()
    shoot(page, "walk-5-environment")


def save_a_variable(page: Page, dashboard: Dashboard) -> None:
    page.get_by_label("Name", exact=True).fill("STORAGE_DIR")
    page.get_by_label("Value", exact=True).fill("/tmp")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#add").get_by_role("alert")).to_contain_text("STORAGE_DIR is reserved")
    shoot(page, "walk-6-reserved")
    page.get_by_label("Name", exact=True).fill("GREETING")
    page.get_by_label("Value", exact=True).fill("hello")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#v-GREETING")).to_contain_text("saved, not live")
    expect(page.get_by_text("1 variable saved, not live yet.")).to_be_visible()
    assert "hello" not in page.locator("#v-GREETING").inner_html()
    assert variable_of_the_app(dashboard, "GREETING") is None
    shoot(page, "walk-7-not-live")


def variable_of_the_app(dashboard: Dashboard, name: str) -> str | None:
    """As the running app has it."""
    value = dashboard.platform.get(APP, "/env").json().get(name)
    return None if value is None else base64.b64decode(value).decode()


def deploy_by_dropping(page: Page, dashboard: Dashboard, archive: Path) -> None:
    tab(page, "Deployments")
    content = base64.b64encode(archive.read_bytes()).decode()
    dropped = page.evaluate_handle(
        """([name, content]) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name));
            return dropped;
        }""",
        [archive.name, content],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.locator("#deploy").dispatch_event(event, {"dataTransfer": dropped})
    watch_it_go_live(page, 2)
    assert dashboard.platform.version(APP) == "2"


def see_a_deploy_fail(page: Page, dashboard: Dashboard, archive: Path) -> None:
    tab(page, "Deployments")
    page.locator("#archive").set_input_files(archive)
    page.wait_for_url("**/deployments/3", timeout=DEPLOYED)
    problem = page.locator(".outcome .problem")
    expect(problem).to_be_visible(timeout=DEPLOYED)
    expect(problem).to_contain_text("ended while it was checked")
    expect(page.locator("#log")).to_contain_text("no such table: photos")
    expect(page.locator(".outcome")).to_contain_text(f"r2 (deployment 2) serves {APP}.")
    assert dashboard.platform.version(APP) == "2"
    shoot(page, "walk-8-failed")


def roll_back(page: Page, dashboard: Dashboard) -> None:
    tab(page, "Deployments")
    page.get_by_role("link", name="Roll back to r1 …").click()
    expect(page.locator("h2.page-title")).to_have_text("Roll back from r2 (deployment 2) to r1 (deployment 1)?")
    expect(page.locator(".changes")).to_contain_text("GREETING")
    shoot(page, "walk-9-rollback")
    page.get_by_role("button", name="Roll back to r1").click()
    page.wait_for_url("**/deployments/4", timeout=DEPLOYED)
    expect(page.get_by_text(f"serves {APP} now.")).to_be_visible(timeout=DEPLOYED)
    assert dashboard.platform.version(APP) == "1"
    tab(page, "Deployments")
    rows = page.locator("table.history tbody tr")
    expect(rows.nth(0)).to_contain_text("rollback")
    expect(rows.nth(1)).to_contain_text("failed")
    expect(rows.nth(2)).to_contain_text("rolled back")
    shoot(page, "walk-10-history")


def keep_a_file(page: Page, dashboard: Dashboard, folder: Path) -> None:
    storage = dashboard.platform.tree(APP).storage
    (folder / "note.txt").write_text(NOTE)
    tab(page, "Storage")
    page.get_by_label("Name of a new folder").fill("notes")
    page.get_by_role("button", name="Make", exact=True).click()
    expect(page.get_by_role("link", name="notes", exact=True).first).to_be_visible()
    page.goto(f"/apps/{APP}/storage?path=notes")
    page.locator("#f-upload").set_input_files(folder / "note.txt")
    expect(page.get_by_role("link", name="note.txt", exact=True)).to_be_visible(timeout=DEPLOYED)
    assert (storage / "notes" / "note.txt").read_text() == NOTE
    page.get_by_role("link", name="note.txt", exact=True).click()
    expect(page.locator("pre.log")).to_have_text(NOTE)
    shoot(page, "walk-11-stored")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    downloading.value.save_as(folder / "back.txt")
    assert (folder / "back.txt").read_text() == NOTE
    page.get_by_role("link", name="Rename or move").click()
    page.get_by_label("Name", exact=True).fill("kept.txt")
    page.locator("main form button").last.click()
    expect(page.get_by_role("link", name="kept.txt", exact=True)).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download this folder").click()
    assert downloading.value.suggested_filename.endswith(".zip")


def delete_and_restore(page: Page, dashboard: Dashboard) -> None:
    storage = dashboard.platform.tree(APP).storage
    tab(page, "Settings")
    page.get_by_role("link", name=f"Delete {APP} …").click()
    expect(page.locator("main")).to_contain_text("1 file")
    page.get_by_label(f"Type the app's name: {APP}").fill(APP)
    page.get_by_role("button", name=f"Delete {APP}").click()
    expect(said(page, "It can be brought back until")).to_be_visible(timeout=DEPLOYED)
    shoot(page, "walk-12-trash")
    assert not storage.exists()
    assert dashboard.platform.get(APP).status_code == 404
    page.get_by_role("button", name=f"Restore {APP}").click()
    expect(said(page, "gallery is back")).to_be_visible(timeout=DEPLOYED)
    assert (storage / "notes" / "kept.txt").read_text() == NOTE
    page.goto(f"/apps/{APP}/storage/remove?path=notes")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(APP)
    assert not (storage / "notes").exists()
    shoot(page, "walk-13-restored")
