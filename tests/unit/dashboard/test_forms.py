"""Forms that are sent where they cannot be taken: too large ones, and those that come at a bad moment."""

from __future__ import annotations

import pytest

from potions.dashboard.form_limit import BYTES_MAX, FIELDS_MAX
from potions.errors import SessionEnded
from potions.schema import Role
from support.canned_agent import Answer
from support.canned_dashboard import ADDRESS, Browser, detail

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ADDRESS}


@pytest.mark.parametrize("path", ["/sign-in", "/apps", "/apps/blog/environment/add", "/apps/blog/environment/paste"])
def test_a_form_of_many_fields_is_not_read(browser: Browser, path: str) -> None:
    """Before it is known who sent it: reading a million fields holds everybody else up."""
    answer = browser.http.post(path, content=b"a=1&" * 1_000_000, headers=FORM)
    assert answer.status_code == 413
    assert browser.http.post(path, content=b"&" * FIELDS_MAX, headers=FORM).status_code == 413


def test_a_form_is_as_large_as_its_page_needs(browser: Browser) -> None:
    """64 kB, and 12 MB where a whole .env file is pasted."""
    assert browser.send("/apps", name="a" * BYTES_MAX).status_code == 413
    browser.agent.says("GET", "/apps/blog", detail())
    assert browser.send("/apps/blog/environment/paste", text="a" * BYTES_MAX).status_code != 413
    assert "potions env import" in browser.send("/apps/blog/environment/paste", text="a" * 13_000_000).text


def test_a_form_with_files_in_it_is_refused(browser: Browser) -> None:
    """No page sends one; reading it would cost the most."""
    answer = browser.http.post("/apps", files={"name": b"x"}, headers={"Origin": ADDRESS})
    assert answer.status_code == 400
    assert "in no form" in answer.text


def test_a_form_that_comes_while_potions_is_away_is_not_forgotten(browser: Browser) -> None:
    """The page says that it was not done, stays, and leads back to where the form was."""
    headers = {"Origin": ADDRESS, "Referer": f"{ADDRESS}/apps/blog/environment"}
    form = {"name": "TYPED", "_csrf_token": browser.token}
    browser.agent.answers["GET", "/session"] = [Answer(broken=True)]
    answer = browser.http.post("/apps/blog/environment/add", data=form, headers=headers)
    assert answer.status_code == 503
    assert "was not done" in answer.text
    assert 'href="/apps/blog/environment"' in answer.text
    assert "data-again" not in answer.text and "http-equiv" not in answer.text


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        (f"{ADDRESS}/apps/blog/environment", "/sign-in?next=%2Fapps%2Fblog%2Fenvironment"),
        ("http://evil.example/apps", "/sign-in"),
        (f"{ADDRESS}.evil.example/apps", "/sign-in"),
        (f"{ADDRESS}//evil.example", "/sign-in"),
    ],
)
def test_a_form_of_an_ended_session_says_so(browser: Browser, referer: str, leads_to: str) -> None:
    """And after signing in one is where the form was; never on another site."""
    form = {"name": "TYPED", "_csrf_token": browser.token}
    del browser.agent.answers["GET", "/session"]
    browser.agent.refuses("GET", "/session", SessionEnded())
    answer = browser.http.post("/apps/blog/environment/add", data=form, headers={"Origin": ADDRESS, "Referer": referer})
    assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)
    assert "not%20done" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/apps/blog/delete", Role.OWNER),
        ("/trash/blog/remove", Role.OWNER),
        ("/apps/blog/environment/paste", Role.DEPLOYER),
        ("/apps/blog/environment/named/A/edit", Role.DEPLOYER),
        ("/apps/blog/storage/move?path=a", Role.DEPLOYER),
        ("/apps/blog/storage/remove?path=a", Role.DEPLOYER),
    ],
)
def test_a_form_that_would_be_refused_is_not_shown(browser: Browser, path: str, needed: Role) -> None:
    """Before anything is typed into it."""
    browser.becomes(Role.VIEWER)
    answer = browser.http.get(path)
    assert answer.status_code == 403
    assert f"needs the role {needed.value}" in answer.text


def test_the_address_of_a_form_leads_to_its_page(browser: Browser) -> None:
    """It stands in the address bar after a refusal, and may be opened anew."""
    answer = browser.http.get("/apps/blog/environment/add")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/apps/blog/environment")
    assert browser.http.get("/sign-out").headers["Location"] == "/"
