"""What must not work: a viewer who does more, forms of other pages, ended sessions, cookies at the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from potions.dashboard.app import make_app
from potions.dashboard.place import Place
from potions.schema import Role
from support.browsing import Dashboard, Visit, flaws

#: What is about oneself, and so is nobody's role to refuse.
OWN = re.compile(r"/(sign-in|sign-out|welcome/.*|account/.*)")
#: A look that takes its time. A viewer may have it.
LOOKS = {"/apps/gallery/storage/measure"}
FILLED = {
    "name": "gallery",
    "variable": "GREETING",
    "person": "owner",
    "which": "1",
    "number": "1",
    "token": "x",
    "domain": "gallery.test",
}


@pytest.fixture(scope="module", autouse=True)
def furnished(shared_dashboard: Dashboard) -> None:
    client = shared_dashboard.platform.client
    for app in ("gallery", "gone"):
        client.create_app(app)
    platform = shared_dashboard.platform
    platform.do("env", "set", "gallery", "GREETING=hello")
    platform.do("storage", "put", "gallery", "-", "note.txt", stdin="a note")
    client.delete_app("gone")
    shared_dashboard.credential("owner", Role.OWNER)


def everything(dashboard: Dashboard) -> Any:
    """What a refused change must leave as it was."""
    client = dashboard.platform.client
    people = [(one.name, one.role, one.joined, one.invited_until) for one in client.people()]
    return (
        [one.name for one in client.apps()],
        [one.name for one in client.trash()],
        people,
        client.variables("gallery"),
        client.deployments("gallery"),
        client.tokens(),
    )


def token_of(page: Page) -> str:
    """The token that the page's own forms carry."""
    return page.locator("input[name=_csrf_token]").first.get_attribute("value") or ""


def send(dashboard: Dashboard, page: Page, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
    """A form that is sent with the browser's cookies, however it was made."""
    return dashboard.send(page, "POST", path, data=form, headers=headers)


def changing_routes() -> list[str]:
    """Every address of the dashboard that something is sent to, but for what is about oneself."""
    nowhere = Place(Path("/nowhere"), Path("/nowhere"), "http://potions.localhost", bytes(32))
    routes = [route for route in make_app(nowhere).routes if "POST" in getattr(route, "methods", ())]
    paths = [re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], route.path_format) for route in routes]
    return sorted(path for path in paths if not OWN.fullmatch(path) and path not in LOOKS)


def test_a_viewer_changes_nothing_by_any_form(dashboard: Dashboard, visit: Visit) -> None:
    """Each is sent as the owner's page would send it, with a token that is good."""
    page = visit("/", Role.VIEWER)
    token, before = token_of(page), everything(dashboard)
    assert len(changing_routes()) >= 25
    for path in changing_routes():
        form = {"_csrf_token": token, "name": path.split("/")[2] if path.count("/") > 1 else "made", "role": "owner"}
        answer = send(dashboard, page, f"{path}?path=note.txt", form, Origin=dashboard.address)
        assert answer.status_code >= 400, f"{path}: {answer.status_code}"
        assert answer.status_code < 500, f"{path}: {answer.status_code} {answer.text}"
    put = dashboard.send(
        page,
        "PUT",
        "/apps/gallery/storage/file?path=note.txt",
        content=b"mine",
        headers={"x-csrftoken": token, "Origin": dashboard.address, "Content-Type": "application/octet-stream"},
    )
    assert put.status_code == 403
    for path in ("storage/file?path=note.txt", "storage/archive?path=", "storage/picture?path=note.txt"):
        assert dashboard.send(page, "GET", f"/apps/gallery/{path}").status_code == 403, path
    assert everything(dashboard) == before


def test_a_viewer_is_told_which_role_is_needed(dashboard: Dashboard, visit: Visit) -> None:
    """Where an owner would go, by the address alone, and by a form."""
    page = visit("/", Role.VIEWER)
    assert page.get_by_role("link", name="People").count() == 0
    assert page.get_by_role("button", name="Create").count() == 0
    for path in ("/people", "/people/owner", "/audit"):
        page.goto(path)
        assert "This needs the role owner" in page.inner_text("h1")
        assert "Yours is viewer." in page.inner_text("main")
    assert flaws(page, "refused") == []
    answer = send(dashboard, page, "/apps", {"_csrf_token": token_of(page), "name": "mine"}, Origin=dashboard.address)
    assert answer.status_code == 403
    assert "This needs the role owner" in answer.text
    dashboard.expect_complaint("status of 403")


@pytest.mark.parametrize(
    ("headers", "token", "words"),
    [
        ({}, None, "open for too long"),
        ({}, "0" * 128, "open for too long"),
        ({"Origin": "http://gallery.localhost"}, "own", "asked for by another page"),
        ({"Origin": "null"}, "own", "asked for by another page"),
        ({"Sec-Fetch-Site": "cross-site"}, "own", "asked for by another page"),
        ({"Sec-Fetch-Site": "same-site"}, "own", "asked for by another page"),
    ],
    ids=["no token", "invented token", "an app's page", "no origin", "another site", "a neighbour"],
)
def test_a_form_of_another_page_is_not_taken(
    dashboard: Dashboard, visit: Visit, headers: dict[str, str], token: str | None, words: str
) -> None:
    """Whatever it lacks: the session of the owner, which the browser sends along, is not enough."""
    page, before = visit("/"), everything(dashboard)
    form = {"name": "forged"} | ({"_csrf_token": token_of(page) if token == "own" else token} if token else {})
    answer = send(dashboard, page, "/apps", form, **headers)
    assert answer.status_code == 403
    assert words in answer.text
    assert everything(dashboard) == before


def test_a_page_of_an_app_cannot_send_a_form_here(dashboard: Dashboard, visit: Visit) -> None:
    """In the browser of the owner, with all that a browser does by itself."""
    page, before = visit("/"), everything(dashboard)
    page.goto(f"http://gallery.localhost:{dashboard.platform.http_port}/")
    page.set_content(
        f"<form method=post action={dashboard.address}/apps><input name=name value=forged><button>Win</button></form>"
    )
    page.get_by_role("button", name="Win").click()
    assert "nothing was done" in page.inner_text("h1")
    assert everything(dashboard) == before
    dashboard.expect_complaint("status of (403|404|503)")


def test_a_session_is_nothing_to_the_api(dashboard: Dashboard, visit: Visit) -> None:
    """There only the header counts, and no other page can make a browser send that."""
    page = visit("/")
    answer = dashboard.send(page, "GET", "/api/apps")
    assert answer.status_code == 401
    assert answer.json()["code"] == "credential-refused"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert page.evaluate("fetch('/api/apps', {method: 'POST', body: '{}'}).then(a => a.status)") == 401
    dashboard.expect_complaint("status of 401")


def test_an_ended_session_says_so_and_leads_back(dashboard: Dashboard, visit: Visit) -> None:
    """A live part that finds it out takes the whole page there."""
    page = visit("/apps/gallery", Role.VIEWER)
    dashboard.platform.client.end_sessions("viewer")
    dashboard.credentials.pop("viewer")
    page.wait_for_url("**/sign-in?next=*", timeout=20_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    dashboard.platform.client.remove_person("viewer")
    dashboard.expect_complaint("status of 401")


def test_a_cookie_that_is_none_is_as_if_there_were_none(dashboard: Dashboard) -> None:
    """Whatever stands in it, the page where one signs in comes, and it is taken away."""
    for credential in ("nonsense", "ps_" + "x" * 43, "pt_" + "x" * 43, "a%0d%0ab"):
        page = dashboard.open("/trash", credential)
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        assert not [one for one in page.context.cookies() if one["name"].endswith("-session")]


def test_names_that_look_like_html_stay_text(dashboard: Dashboard, visit: Visit) -> None:
    """In addresses, in filters and in forms that are shown again."""
    hostile = "<img src=x onerror=alert(1)>"
    page = visit("/")
    page.get_by_label("Name", exact=True).evaluate("field => field.removeAttribute('maxlength')")
    page.get_by_label("Name", exact=True).fill(hostile)
    page.get_by_role("button", name="Create").click()
    assert page.get_by_label("Name", exact=True).input_value() == hostile
    page.goto(f"/audit?app={hostile}&person={hostile}")
    assert hostile in page.inner_text("main")
    assert page.locator("main img").count() == 0
    dashboard.expect_complaint("status of 400")
