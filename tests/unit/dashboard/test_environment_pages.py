"""Variables on a page: no value unless somebody asked for it, and what was typed stays."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.variables import field_for, value_from
from potions.errors import PreviewOutdated, ReservedVariable
from potions.schema import (
    Liveness,
    Role,
    Variable,
    VariableAct,
    VariableEvent,
    VariablesChange,
    VariablesChanged,
)
from support.canned_dashboard import AT, Browser, detail

HOSTILE = '"><script>alert(1)</script>'
SAVED = [
    Variable("STORAGE_DIR", "/apps/blog/storage", auto=True, locked=True, liveness=Liveness.LIVE),
    Variable("PORT", "4000 (blue), 4001 (green)", auto=True, locked=True, liveness=Liveness.LIVE),
    Variable("API_KEY", None, auto=False, locked=False, liveness=Liveness.SAVED),
    Variable("SECRET_KEY_BASE", None, auto=True, locked=False, liveness=Liveness.LIVE),
    Variable("OLD", None, auto=False, locked=False, liveness=Liveness.REMOVED),
]
CHANGED = VariablesChanged(added=["A"], changed=[], removed=[], unchanged=[], kept=["PORT"], version="v1")


@pytest.fixture
def tab(browser: Browser) -> Browser:
    browser.agent.says("GET", "/apps/blog/variables", SAVED)
    browser.agent.says("GET", "/apps/blog", detail())
    event = VariableEvent(AT, HOSTILE, VariableAct.SET, added=["API_KEY"])
    browser.agent.says("GET", "/apps/blog/variables/history", [event])
    return browser


def reveals(tab: Browser, value: str) -> str:
    one = Variable("API_KEY", value, auto=False, locked=False, liveness=Liveness.SAVED)
    tab.agent.says("GET", "/apps/blog/variables/named/API_KEY", one)
    answer = tab.send("/apps/blog/environment/named/API_KEY/reveal")
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def test_no_value_is_asked_for_unless_somebody_reveals_it(tab: Browser) -> None:
    """The page cannot show what the dashboard does not know."""
    page = tab.http.get("/apps/blog/environment")
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    assert [asked.query for asked in tab.agent.asked if asked.path == "/apps/blog/variables"] == [{"reveal": "false"}]
    assert not [path for path in tab.agent.paths() if "/named/" in path]


def test_only_the_revealed_value_is_shown_and_is_text(tab: Browser) -> None:
    """Whatever stands in it."""
    page = reveals(tab, HOSTILE)
    assert "<script>alert" not in page
    assert HOSTILE in html.unescape(page)


def test_a_name_or_a_person_is_text(tab: Browser) -> None:
    """The history says who; anybody may be called anything where a system user asks."""
    assert "<script>alert" not in tab.http.get("/apps/blog/environment").text


def test_the_locked_ones_say_why_and_offer_nothing(tab: Browser) -> None:
    """To a mouse, a keyboard and a screen reader."""
    page = tab.http.get("/apps/blog/environment").text
    for name in ("STORAGE_DIR", "PORT"):
        row = page[page.index(f'id="v-{name}"') :].partition("</tr>")[0]
        assert "auto" in row and f'tabindex="0" aria-describedby="why-{name}"' in row
        assert html.escape(ReservedVariable(name).why) in row or ReservedVariable(name).why in html.unescape(row)
        assert "/edit" not in row and "/remove" not in row and "/reveal" not in row


def test_a_viewer_is_offered_nothing(tab: Browser) -> None:
    """What the agent would refuse is not on the page."""
    answers = dict(tab.agent.answers)
    tab.becomes(Role.VIEWER)
    tab.agent.answers.update({key: said for key, said in answers.items() if key != ("GET", "/session")})
    page = tab.http.get("/apps/blog/environment").text
    assert "reveal" not in page and "/edit" not in page and "export" not in page
    assert "saved, not live" in page


def test_storage_dir_is_refused_in_place_and_what_was_typed_stays(tab: Browser) -> None:
    """With the agent's words beside the field."""
    tab.agent.refuses("POST", "/apps/blog/variables/preview", ReservedVariable("STORAGE_DIR"))
    answer = tab.send("/apps/blog/environment/add", name="STORAGE_DIR", value="/typed <b>")
    assert answer.status_code == ReservedVariable("STORAGE_DIR").http_status
    form = answer.text[answer.text.index('id="add"') :].partition("</form>")[0]
    assert "STORAGE_DIR is reserved." in form
    assert 'value="STORAGE_DIR"' in form and html.escape("/typed <b>") in form
    assert "PATCH /apps/blog/variables" not in tab.agent.paths()


def test_a_new_one_does_not_write_over_another(tab: Browser) -> None:
    """And what is saved is just what was looked at."""
    taken = VariablesChanged(added=[], changed=["API_KEY"], removed=[], unchanged=[], version="v1")
    tab.agent.says("POST", "/apps/blog/variables/preview", taken)
    answer = tab.send("/apps/blog/environment/add", name="API_KEY", value="x")
    assert "has a variable API_KEY already" in answer.text
    assert "PATCH /apps/blog/variables" not in tab.agent.paths()


def test_an_empty_value_has_to_be_meant(tab: Browser) -> None:
    """A field that was left out is no wish."""
    answer = tab.send("/apps/blog/environment/named/API_KEY/edit", value="")
    assert answer.status_code == 400 and "An empty value has to be meant." in answer.text
    tab.agent.says("PATCH", "/apps/blog/variables", CHANGED)
    assert tab.send("/apps/blog/environment/named/API_KEY/edit", value="", empty="1").status_code == 303


@pytest.mark.parametrize(
    ("typed", "saved"), [("a\r\nb", "a\nb"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("a", "a")]
)
def test_a_value_is_saved_as_it_was_typed(tab: Browser, typed: str, saved: str) -> None:
    """But for what browsers do to line breaks, and the one at the end."""
    tab.agent.says("PATCH", "/apps/blog/variables", CHANGED)
    assert tab.send("/apps/blog/environment/named/API_KEY/edit", value=typed).status_code == 303
    asked = next(one for one in tab.agent.asked if one.method == "PATCH")
    assert asked.decoded(VariablesChange).set == {"API_KEY": saved}


@given(st.text(alphabet=st.characters(exclude_characters="\r")))
def test_a_value_comes_back_from_a_field_as_it_was(value: str) -> None:
    """Somebody who looks, and saves without a change, has changed nothing."""
    assert value_from(field_for(value).replace("\n", "\r\n")) == value


PASTED = 'A="one\ntwo"\n'


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_pasted_file_is_applied_as_it_was_shown(tab: Browser) -> None:
    """With the version of the preview."""
    tab.agent.says("POST", "/apps/blog/variables/preview", CHANGED)
    tab.agent.says("PATCH", "/apps/blog/variables", CHANGED)
    typed = PASTED.replace("\n", "\r\n")
    page = tab.send("/apps/blog/environment/paste", text=typed).text
    fields = {name: hidden(page, name) for name in ("version", "seal")}
    answer = tab.send("/apps/blog/environment/paste/apply", text=typed, **fields)
    assert answer.status_code == 303
    change = tab.agent.asked[-1].decoded(VariablesChange)
    assert (change.dotenv, change.version, change.replace) == (PASTED, "v1", False)


@pytest.mark.parametrize("changed", [{"text": "A=2\n"}, {"replace": "1"}, {"seal": ""}])
def test_what_was_changed_since_is_shown_first(tab: Browser, changed: dict[str, str]) -> None:
    """Nobody applies what they have not seen."""
    tab.agent.says("POST", "/apps/blog/variables/preview", CHANGED)
    page = tab.send("/apps/blog/environment/paste", text=PASTED).text
    fields = {name: hidden(page, name) for name in ("version", "seal")}
    answer = tab.send("/apps/blog/environment/paste/apply", **{"text": PASTED, **fields, **changed})
    assert answer.status_code == 200 and "nothing was done" in answer.text
    assert "PATCH /apps/blog/variables" not in tab.agent.paths()


def test_an_outdated_preview_says_so_and_is_made_anew(tab: Browser) -> None:
    """Somebody else changed a variable in between."""
    tab.agent.says("POST", "/apps/blog/variables/preview", CHANGED)
    tab.agent.refuses("PATCH", "/apps/blog/variables", PreviewOutdated("blog"))
    page = tab.send("/apps/blog/environment/paste", text=PASTED).text
    fields = {name: hidden(page, name) for name in ("version", "seal")}
    answer = tab.send("/apps/blog/environment/paste/apply", text=PASTED, **fields)
    assert answer.status_code == 409 and "were changed since the preview" in answer.text
    assert "What it would change" in answer.text
