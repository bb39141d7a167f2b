"""Every page, as it looks with something in it: readable for everybody, light, and safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Response

from potions.dashboard.app import make_app
from potions.dashboard.place import Place
from potions.schema import Role, TokenAccess, TokenCreate
from support.browsing import DESKTOP, PHONE, Dashboard, Visit, flaws
from support.releases import as_tar_gz, behave_release

#: What a page may load of scripts, in bytes as they are run.
SCRIPT_BYTES = 100_000

#: Every page that can be opened by its address: what its screenshots are called, where it is, and who looks. What
#: stands in brackets is put in by ``furnished``.
PAGES = {
    "apps": ("/", Role.OWNER),
    "apps-viewer": ("/", Role.VIEWER),
    "overview": ("/apps/gallery", Role.OWNER),
    "overview-empty": ("/apps/empty", Role.OWNER),
    "deployments": ("/apps/gallery/deployments", Role.OWNER),
    "deployments-empty": ("/apps/empty/deployments", Role.OWNER),
    "deployments-viewer": ("/apps/gallery/deployments", Role.VIEWER),
    "deployment": ("/apps/gallery/deployments/1", Role.OWNER),
    "deployment-failed": ("/apps/gallery/deployments/3", Role.OWNER),
    "releases": ("/apps/gallery/releases", Role.OWNER),
    "releases-empty": ("/apps/empty/releases", Role.OWNER),
    "releases-diff": ("/apps/gallery/releases/diff", Role.OWNER),
    "rollback": ("/apps/gallery/rollback", Role.OWNER),
    "environment": ("/apps/gallery/environment", Role.OWNER),
    "environment-empty": ("/apps/empty/environment", Role.OWNER),
    "environment-viewer": ("/apps/gallery/environment", Role.VIEWER),
    "variable-edit": ("/apps/gallery/environment/named/GREETING/edit", Role.OWNER),
    "variable-remove": ("/apps/gallery/environment/named/GREETING/remove", Role.OWNER),
    "environment-paste": ("/apps/gallery/environment/paste", Role.OWNER),
    "domains": ("/apps/gallery/domains", Role.OWNER),
    "storage": ("/apps/gallery/storage", Role.OWNER),
    "storage-viewer": ("/apps/gallery/storage", Role.VIEWER),
    "storage-empty": ("/apps/empty/storage", Role.OWNER),
    "storage-folder": ("/apps/gallery/storage?path=photos", Role.OWNER),
    "stored-text": ("/apps/gallery/storage?path=note.txt", Role.OWNER),
    "stored-picture": ("/apps/gallery/storage?path=photos/sea.png", Role.OWNER),
    "stored-move": ("/apps/gallery/storage/move?path=note.txt", Role.OWNER),
    "stored-remove": ("/apps/gallery/storage/remove?path=photos", Role.OWNER),
    "logs": ("/apps/gallery/logs", Role.OWNER),
    "logs-empty": ("/apps/empty/logs", Role.VIEWER),
    "console": ("/apps/gallery/console", Role.OWNER),
    "console-empty": ("/apps/empty/console", Role.OWNER),
    "settings": ("/apps/gallery/settings", Role.OWNER),
    "settings-empty": ("/apps/empty/settings", Role.VIEWER),
    "delete": ("/apps/gallery/delete", Role.OWNER),
    "trash": ("/trash", Role.OWNER),
    "trash-viewer": ("/trash", Role.VIEWER),
    "trash-remove": ("/trash/blog/remove", Role.OWNER),
    "account": ("/account", Role.OWNER),
    "account-viewer": ("/account", Role.VIEWER),
    "token-revoke": ("/account/tokens/{token}/revoke", Role.OWNER),
    "people": ("/people", Role.OWNER),
    "person": ("/people/viewer", Role.OWNER),
    "person-invited": ("/people/invited", Role.OWNER),
    "person-remove": ("/people/viewer/remove", Role.OWNER),
    "servers": ("/servers", Role.OWNER),
    "audit": ("/audit", Role.OWNER),
    "audit-filtered": ("/audit?person=nobody", Role.OWNER),
    "sign-in": ("/sign-in", None),
    "welcome": ("/welcome/{link}", None),
}
#: Addresses that only lead to a page, and what pages fetch: parts, streams, files.
ELSEWHERE = {
    *("/account/codes", "/account/tokens", "/people/{person}/link"),
    *(f"/apps/{{name}}/deployments/{{number}}/{part}" for part in ("events", "log", "now")),
    *(f"/apps/{{name}}/storage/{part}" for part in ("archive", "entry", "file", "picture")),
    *(f"/apps/{{name}}/logs/{part}" for part in ("file", "live")),
    # Of a server alone: see test_domains.
    "/apps/{name}/domains/{domain}/remove",
}

HOSTILE = "<img src=x onerror=alert(1)>"
MANIFEST = """
[health]
path = "/"
timeout = "20s"

[deploy]
drain = "1s"
keep = 3

[env]
COLOUR = "blue"
"""


@pytest.fixture(scope="module")
def furnished(shared_dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A platform with something on every page; what goes into the brackets of ``PAGES``."""
    platform, folder = shared_dashboard.platform, tmp_path_factory.mktemp("releases")
    for app in ("gallery", "empty", "blog"):
        platform.client.create_app(app)
    for version in ("1", "2"):
        release = behave_release(
            folder / version, version, manifest=MANIFEST, procfile="web: python3 behave.py\nclock: sleep 1d"
        )
        platform.do("deploy", "--app", "gallery", str(as_tar_gz(release)))
    broken = behave_release(folder / "3", "3", exit_at_once={"status": 3, "lines": [f"no such file: {HOSTILE}"]})
    assert platform.run("deploy", "--app", "gallery", str(as_tar_gz(broken))).status != 0
    platform.do("env", "set", "gallery", f"GREETING=hello {HOSTILE}")
    (folder / "note.txt").write_text(f"a note\n{HOSTILE}\n")
    (folder / "photos").mkdir()
    Image.new("RGB", (64, 48), "teal").save(folder / "photos" / "sea.png")
    (folder / "photos" / HOSTILE.replace("/", "")).write_text("a name like markup")
    (folder / "photos" / "a\nb\u202eb.txt").write_text("a name of two lines")
    for source in ("note.txt", "photos"):
        platform.do("storage", "put", "gallery", str(folder / source))
    platform.client.delete_app("blog")
    owner = shared_dashboard.asking(shared_dashboard.credential("owner", Role.OWNER))
    shared_dashboard.credential("viewer", Role.VIEWER)
    owner.create_token(TokenCreate("for-gallery", TokenAccess.WRITE, "gallery", 30))
    token = owner.create_token(TokenCreate("look", TokenAccess.READ)).token
    link = owner.invite("invited", Role.DEPLOYER)
    yield {"token": str(token.id), "link": link.token}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_in_order(name: str, dashboard: Dashboard, visit: Visit, furnished: dict[str, str]) -> None:
    """In both themes and on a phone axe finds nothing, nothing is inline, and little is loaded."""
    path, role = PAGES[name]
    page = visit("about:blank", role) if role else dashboard.blank()
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))
    answer = page.goto(dashboard.address + path.format(**furnished))
    assert answer is not None
    assert answer.status == 200
    page.wait_for_load_state("load")
    assert page.locator("h1").count() == 1
    assert flaws(page, name) == []
    policy = answer.header_value("content-security-policy") or ""
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.header_value("cache-control") == "no-store"
    scripts = [one.body() for one in loaded if one.request.resource_type == "script"]
    assert scripts
    assert sum(map(len, scripts)) < SCRIPT_BYTES
    assert all(one.url.startswith(dashboard.address) for one in loaded)


def test_no_page_is_missing_here() -> None:
    """Every address that answers with a page is among those that are looked at."""
    nowhere = Place(Path("/nowhere"), Path("/nowhere"), "http://potions.localhost", bytes(32))
    routes = {
        route.path_format
        for route in make_app(nowhere).routes
        if "GET" in getattr(route, "methods", ()) and not route.path.startswith("/static")
    }
    looked_at = [re.sub(r"\{\w+\}", "0", path.partition("?")[0]) for path, _ in PAGES.values()]
    missing = {route for route in routes - ELSEWHERE if not any(_fits(route, path) for path in looked_at)}
    assert missing == set()


def _fits(route: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", route), path) is not None


@pytest.mark.usefixtures("furnished")
def test_a_page_that_is_not_there_says_so(dashboard: Dashboard, visit: Visit) -> None:
    """In words, with the way back, and as readable as the others."""
    page = visit("/apps/gallery/nothing")
    assert "There is no page at this address." in page.inner_text("h1")
    assert flaws(page, "no-such-page") == []
    page.goto("/apps/nobody-made-it")
    assert "There is no app called nobody-made-it." in page.inner_text("h1")
    page.goto(f"/apps/{HOSTILE}")
    assert page.locator("main img").count() == 0
    dashboard.expect_complaint("status of 40")


@pytest.mark.usefixtures("furnished")
def test_the_skip_link_is_what_the_keyboard_meets_first(visit: Visit) -> None:
    """And leads to the content, at every width."""
    page = visit("/trash")
    for viewport in (DESKTOP, PHONE):
        page.set_viewport_size(viewport)
        page.goto("/trash")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_every_page_reads_without_a_script(dashboard: Dashboard, visit: Visit, furnished: dict[str, str]) -> None:
    """The same headings, and no control that only a script could work; a lock only says why."""
    pages = {role: visit("about:blank", role, java_script_enabled=False) for role in (Role.OWNER, Role.VIEWER)}
    stranger = dashboard.blank(java_script_enabled=False)
    for path, role in PAGES.values():
        page = pages[role] if role else stranger
        page.goto(dashboard.address + path.format(**furnished))
        assert page.locator("h1").count() == 1, path
        assert page.locator("button[type=button]:not(.lock):visible").count() == 0, path
