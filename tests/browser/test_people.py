"""People: the first one, signing in, codes, sessions, tokens, inviting and removing, and the log of all that."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from potions.schema import Role
from support.browsing import PASSWORD, Dashboard, Visit, flaws

OTHER_PASSWORD = "a staple of batteries"


def fill(page: Page, **fields: str) -> None:
    """Type into the fields of a form by their labels; ``_`` stands for a space."""
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)


def sign_in(page: Page, name: str, password: str, code: str = "") -> None:
    page.goto("/sign-in")
    fill(page, Name=name, Password=password, Code=code)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def joined(dashboard: Dashboard, request: pytest.FixtureRequest) -> str:
    """The name of a deployer of this test alone, who has set the password."""
    name = "d-" + re.sub(r"[^a-z0-9]", "", request.node.name)[-20:]
    dashboard.credential(name, Role.DEPLOYER)
    return name


def test_the_first_user_comes_by_the_link_that_up_prints(dashboard: Dashboard) -> None:
    """It asks for a name and a password, signs in, and is good once."""
    said = dashboard.platform.do("up").out
    found = re.search(r"http://\S+/welcome/\S+", said)
    assert found, said
    page = dashboard.open(found[0])
    fill(page, Name="Anna!", Password=PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    assert "cannot be the name of a person" in page.get_by_role("alert").inner_text()
    assert flaws(page, "welcome-refused") == []
    fill(page, Name="anna", Password=PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status").filter(has_text="Welcome, anna.")).to_be_visible()
    assert page.get_by_role("link", name="People").is_visible()
    assert "/welcome/" not in dashboard.platform.do("up").out
    page.goto(found[0])
    assert "does not lead anywhere any more" in page.inner_text("h1")
    dashboard.expect_complaint("status of 40[04]")


def test_signing_in_leads_to_where_one_wanted_to_go(dashboard: Dashboard, joined: str) -> None:
    """A wrong password is told, what was typed stays, and signing out ends the session for good."""
    page = dashboard.open("/trash")
    fill(page, Name=joined, Password="wrong horse battery")
    page.get_by_role("button", name="Sign in").click()
    assert "do not belong together" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name", exact=True).input_value() == joined
    assert flaws(page, "sign-in-refused") == []
    fill(page, Password=PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trash")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    session = cookies[f"potions-{dashboard.platform.http_port}-session"]
    assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status").filter(has_text="You are signed out.")).to_be_visible()
    page.context.add_cookies([{"name": session["name"], "value": session["value"], "url": dashboard.address}])
    page.goto("/trash")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    dashboard.expect_complaint("status of 401")


def test_codes_are_turned_on_used_and_turned_off(dashboard: Dashboard, joined: str, tmp_path: Path) -> None:
    """The secret stays the same after a wrong code; recovery codes are shown once, and each opens once."""
    page = dashboard.open("/account", dashboard.credential(joined, Role.DEPLOYER))
    page.get_by_role("button", name="Turn codes on").click()
    secret = page.locator(".copy code").inner_text()
    assert flaws(page, "codes-begin") == []
    fill(page, Type_the_six_digits_it_shows_now="000000")
    page.get_by_role("button", name="Turn codes on").click()
    assert "does not fit" in page.get_by_role("alert").inner_text()
    assert page.locator(".copy code").inner_text() == secret
    fill(page, Type_the_six_digits_it_shows_now=pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn codes on").click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    assert flaws(page, "codes-made") == []
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    downloading.value.save_as(tmp_path / "codes.txt")
    assert all(code in (tmp_path / "codes.txt").read_text() for code in codes)
    page.get_by_role("link", name="I have kept them").click()
    assert flaws(page, "account-with-codes") == []

    other = dashboard.blank()
    sign_in(other, joined, PASSWORD)
    assert "A code is needed as well." in other.get_by_role("alert").inner_text()
    sign_in(other, joined, PASSWORD, codes[3])
    expect(other.get_by_role("heading", level=1)).to_have_text("Apps")
    sign_in(other, joined, PASSWORD, codes[3])
    assert "does not fit" in other.get_by_role("alert").inner_text()

    fill(page, Your_password=PASSWORD)
    page.get_by_role("button", name="Turn codes off").click()
    expect(page.get_by_role("status").filter(has_text="Codes are off")).to_be_visible()
    sign_in(other, joined, PASSWORD)
    expect(other.get_by_role("heading", level=1)).to_have_text("Apps")
    dashboard.expect_complaint("status of 401")


def test_sessions_are_listed_and_ended(dashboard: Dashboard, joined: str) -> None:
    """Whose session was ended elsewhere is told so at the next step, and goes on where they were."""
    first, second = dashboard.blank(), dashboard.blank()
    for page in (first, second):
        sign_in(page, joined, PASSWORD)
    first.goto("/account")
    rows = first.get_by_role("region", name="Table of sessions").locator("tbody tr")
    assert rows.filter(has_text="this one").count() == 1
    assert rows.filter(has_text="Chrome on Linux").count() == 2
    first.get_by_role("button", name="End all others").click()
    assert rows.count() == 1
    second.goto("/trash")
    assert "This session has ended." in second.inner_text("main")
    fill(second, Name=joined, Password=PASSWORD)
    second.get_by_role("button", name="Sign in").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("Trash")
    first.reload()
    first.get_by_role("button", name="End the session").click()
    second.reload()
    expect(second.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_another_password_ends_the_other_sessions(dashboard: Dashboard, joined: str) -> None:
    """The one that changed it goes on; a short one is refused with the rule."""
    page, other = dashboard.blank(), dashboard.blank()
    for one in (page, other):
        sign_in(one, joined, PASSWORD)
    page.goto("/account")
    page.get_by_label("Current password").fill(PASSWORD)
    # As it comes from a browser that does not know minlength.
    page.get_by_label("New password").evaluate("field => field.removeAttribute('minlength')")
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Change the password").click()
    assert "too short" in page.get_by_role("alert").inner_text()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill(OTHER_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status").filter(has_text="Your password is changed.")).to_be_visible()
    other.reload()
    expect(other.get_by_role("heading", level=1)).to_have_text("Sign in")
    dashboard.expect_complaint("status of 400")


def test_a_token_is_shown_once_and_opens_the_api(dashboard: Dashboard, visit: Visit) -> None:
    """Until it is revoked, from a page that asks first."""
    dashboard.platform.client.create_app("tokened")
    page = visit("/account")
    fill(page, Name="deploy ci")
    page.get_by_role("button", name="Make the token").click()
    assert "cannot be the name of a token" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name", exact=True).input_value() == "deploy ci"
    fill(page, Name="deploy-ci", Days="30")
    page.get_by_label("For", exact=True).select_option("tokened")
    page.get_by_role("button", name="Make the token").click()
    token = page.locator(".secret code").inner_text()
    assert token.startswith("pt_")
    assert flaws(page, "token-made") == []
    ask = {"url": f"http://127.0.0.1:{dashboard.platform.http_port}/api/apps/tokened", "headers": _as(token)}
    assert httpx.get(**ask).json()["summary"]["name"] == "tokened"
    page.get_by_role("link", name="I have copied it").click()
    assert token not in page.content()
    page.get_by_role("link", name="Revoke deploy-ci").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_role("status").filter(has_text="opens nothing any more")).to_be_visible()
    assert httpx.get(**ask).status_code == 401
    dashboard.expect_complaint("status of 400")


def _as(token: str) -> dict[str, str]:
    return {"Host": "potions.localhost", "Authorization": f"Bearer {token}"}


def test_somebody_is_invited_changed_and_removed(dashboard: Dashboard, visit: Visit) -> None:
    """By a link that is shown once; a new one replaces a lost password; a removal asks for the name."""
    owner = visit("/people")
    fill(owner, Name="vera")
    owner.locator("#f-role").select_option("viewer")
    owner.get_by_role("button", name="Make a link").click()
    link = owner.locator(".secret code").inner_text()
    assert flaws(owner, "person-link") == []
    owner.get_by_role("link", name="Done").click()
    assert "has not set a password yet" in owner.inner_text("main")

    vera = dashboard.open(link)
    fill(vera, Password=PASSWORD)
    vera.get_by_role("button", name="Set the password").click()
    expect(vera.get_by_role("status").filter(has_text="Welcome, vera.")).to_be_visible()
    assert not vera.get_by_role("button", name="Create").is_visible()

    owner.reload()
    owner.locator("#f-role").select_option("owner")
    owner.get_by_role("button", name="Change the role").click()
    expect(owner.get_by_role("status").filter(has_text="vera is owner now.")).to_be_visible()
    vera.reload()
    assert vera.get_by_role("button", name="Create").is_visible()

    owner.get_by_role("button", name="Make a new link").click()
    again = dashboard.open(owner.locator(".secret code").inner_text())
    assert "A new password for vera" in again.inner_text("h1")
    fill(again, Password=OTHER_PASSWORD)
    again.get_by_role("button", name="Set the password").click()
    vera.reload()
    expect(vera.get_by_role("heading", level=1)).to_have_text("Sign in")

    owner.goto("/people/vera/remove")
    fill(owner, **{"Type the name: vera": "verena"})
    owner.get_by_role("button", name="Remove vera").click()
    assert "nobody was removed" in owner.get_by_role("alert").inner_text()
    fill(owner, **{"Type the name: vera": "vera"})
    owner.get_by_role("button", name="Remove vera").click()
    expect(owner.get_by_role("status").filter(has_text="vera is removed.")).to_be_visible()
    again.reload()
    expect(again.get_by_role("heading", level=1)).to_have_text("Sign in")
    dashboard.expect_complaint("status of 400")
    # A live part of vera's pages may have been looked at anew after the session was over, and before the page was.
    dashboard.complaints[:] = [one for one in dashboard.complaints if "status of 401" not in one]


def test_the_last_owner_stays(dashboard: Dashboard, visit: Visit) -> None:
    """The page says what has to come first."""
    page = visit("/people")
    others = [one for one in dashboard.platform.client.people() if one.role is Role.OWNER and one.name != "owner"]
    for one in others:
        dashboard.platform.client.set_role(one.name, Role.VIEWER)
    page.goto("/people/owner")
    page.locator("#f-role").select_option("viewer")
    page.get_by_role("button", name="Change the role").click()
    assert "last owner who can sign in" in page.get_by_role("alert").inner_text()
    dashboard.expect_complaint("status of 409")


def test_the_audit_log_tells_who_did_what(dashboard: Dashboard, visit: Visit) -> None:
    """The command line included; by person and by app; page after page without a gap."""
    client = dashboard.platform.client
    client.create_app("audited")
    client.invite("paged", Role.VIEWER)
    for _ in range(110):
        client.invite_again("paged")
    page = visit("/audit")
    rows = page.locator("tbody tr")
    assert rows.count() == 100
    assert flaws(page, "audit-full") == []
    page.get_by_role("link", name="Older").click()
    assert rows.filter(has_text="create app").filter(has_text="audited").count() == 1
    page.get_by_role("link", name="Newest").click()
    fill(page, App="audited")
    page.get_by_role("button", name="Show", exact=True).click()
    assert rows.count() == 1
    assert "cli" in rows.inner_text()
    page.get_by_role("link", name="Show all").click()
    assert rows.count() == 100
