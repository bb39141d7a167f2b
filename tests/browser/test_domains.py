"""The Domains tab of a server, in real Chromium: by HTTPS at the dashboard's own domain, on a small Internet."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from potions.client import Client
from potions.schema import InvitationAccept, Role
from support.browsing import CHROMIUM, DESKTOP, PASSWORD, chromium, flaws
from support.server_platform import ServerPlatform, server_platform
from support.small_internet import ELSEWHERE, HERE, small_internet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace of its own")

DASHBOARD = "potions.example.com"
TAB = f"https://{DASHBOARD}/apps/blog/domains"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerPlatform]:
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium: scripts/install_test_tools installs it")
    with small_internet() as net:
        net.dns.point(DASHBOARD, HERE)
        with server_platform(net, dashboard=DASHBOARD) as made:
            made.wait_for_certificate(DASHBOARD)
            made.client.create_app("blog")
            yield made


def credential(server: ServerPlatform, name: str, role: Role) -> str:
    link = server.client.invite(name, role)
    with Client(server.home.web_socket) as web:
        return web.accept_invitation(link.token, InvitationAccept(PASSWORD)).credential


@pytest.fixture(scope="module", params=[True, False], ids=["script", "no script"])
def page(server: ServerPlatform, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An owner's, with and without a script. Chromium does not know the authority of this Internet."""
    # It asks no DNS where it sees no way out.
    with chromium(f"--host-resolver-rules=MAP *.example.com {HERE}") as browser:
        context = browser.new_context(viewport=DESKTOP, ignore_https_errors=True, java_script_enabled=request.param)
        context.set_default_timeout(20_000)
        session = credential(server, f"owner{request.param}".lower(), Role.OWNER)
        cookie = {"name": "__Host-potions-session", "value": session, "url": f"https://{DASHBOARD}", "secure": True}
        context.add_cookies([cookie])  # type: ignore[list-item]
        yield context.new_page()


@pytest.fixture(autouse=True)
def no_domains(server: ServerPlatform) -> Iterator[None]:
    """What a test added is gone afterwards."""
    yield
    for one in server.client.domains("blog").domains:
        server.client.remove_domain("blog", one.name)


def test_a_domain_is_added_made_primary_and_removed(server: ServerPlatform, page: Page) -> None:
    """From the first record to the confirmation, with what DNS says in between; axe finds nothing on the way."""
    scripted = page.evaluate("1") if page.context.browser and _runs_scripts(page) else None
    page.goto(TAB)
    expect(page.get_by_role("heading", name="No domain yet")).to_be_visible()
    _clean(page, "domains-none", scripted)
    _add(page, "https://first.example.com/")
    expect(page.get_by_role("alert")).to_contain_text("Did you mean first.example.com?")
    server.net.dns.point("first.example.com", ELSEWHERE)
    _add(page, "first.example.com")
    expect(page.get_by_role("alert")).to_contain_text("Found: A 192.0.2.99.")
    _clean(page, "domains-elsewhere", scripted)
    for name in ("first.example.com", "second.example.com"):
        server.net.dns.point(name, HERE)
        _add(page, name)
        expect(page.get_by_role("row", name=re.compile(name))).to_contain_text("leads here")
        server.wait_for_certificate(name)
    page.goto(TAB)
    expect(page.get_by_role("row", name=re.compile(r"first\.example"))).to_contain_text("primary")
    expect(page.get_by_role("row", name=re.compile(r"second\.example"))).to_contain_text("valid ends")
    _clean(page, "domains-two", scripted)
    page.get_by_role("button", name="Make primary: second.example.com").click()
    expect(page.get_by_text("second.example.com is the primary domain.")).to_be_visible()
    for name in ("second.example.com", "first.example.com"):
        page.get_by_role("link", name=f"Remove … {name}").click()
        _clean(page, "domain-remove", scripted)
        page.get_by_role("button", name=f"Remove {name}").click()
        expect(page.get_by_text(f"{name} is removed.")).to_be_visible()
    expect(page.get_by_role("heading", name="No domain yet")).to_be_visible()


def test_a_domain_can_be_added_before_its_record(page: Page) -> None:
    """The box for it is there once that was refused."""
    page.goto(TAB)
    assert page.get_by_label(re.compile("all the same")).count() == 0
    _add(page, "early.example.com")
    page.get_by_label(re.compile("all the same")).check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("row", name=re.compile("early"))).to_contain_text("does not lead here")


def test_an_app_without_a_domain_says_so_everywhere(page: Page) -> None:
    """On its overview and in the list of apps, with the way to the tab."""
    for path in ("/", "/apps/blog"):
        page.goto(f"https://{DASHBOARD}{path}")
        page.get_by_role("link", name="no domain yet").click()
        expect(page).to_have_url(TAB)


def _add(page: Page, name: str) -> None:
    page.get_by_label("Domain", exact=True).fill(name)
    page.get_by_role("button", name="Add").click()


def _runs_scripts(page: Page) -> bool:
    page.set_content("<script>document.title = 'runs'</script>")
    return page.title() == "runs"


def _clean(page: Page, name: str, scripted: object) -> None:
    """Axe is a script itself."""
    if scripted:
        assert flaws(page, name) == []
