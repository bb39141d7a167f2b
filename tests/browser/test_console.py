"""The Console tab in a real browser: a terminal that is one, for owners alone, and for no other page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from potions.host.processes import every_opened_process
from potions.schema import Role, TokenAccess, TokenCreate
from support.browsing import PHONE, Dashboard, Visit, barriers, shoot
from support.platform import wait_for
from support.releases import as_tar_gz, behave_release

PATH = "/apps/gallery/console"
NOTHING_RUNS = "nothing that was opened runs"


@pytest.fixture(scope="module", autouse=True)
def gallery(shared_dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The app `gallery`, which serves, and `empty`, to which nothing was deployed."""
    platform = shared_dashboard.platform
    platform.client.create_app("gallery")
    platform.client.create_app("empty")
    platform.do("deploy", "--app", "gallery", str(as_tar_gz(behave_release(tmp_path_factory.mktemp("r") / "1", "1"))))
    yield
    wait_for(lambda: not running(shared_dashboard), NOTHING_RUNS)


def running(dashboard: Dashboard) -> set[int]:
    return every_opened_process(dashboard.platform.home.apps)


def screen(page: Page) -> str:
    """What stands in the terminal."""
    return page.inner_text(".xterm-rows").replace("\xa0", " ")


def until(page: Page, text: str) -> None:
    wait_for(lambda: text in screen(page), f"{text!r} in the terminal")


def state(page: Page, text: str) -> None:
    expect(page.locator("#console-state")).to_contain_text(text)


@pytest.mark.contract("P15")
def test_a_console_opens_is_typed_into_and_says_how_it_ended(dashboard: Dashboard, visit: Visit) -> None:
    """By the keyboard alone; its size is that of the page; and it can be opened again."""
    page = visit(PATH)
    page.get_by_role("button", name="Open console").press("Enter")
    state(page, "shell: /bin/sh, in blue (r1).")
    page.keyboard.type("echo it is $((6*7)); stty size\n")
    until(page, "it is 42")
    before = size_of(page)
    page.set_viewport_size({"width": 900, "height": 600})
    wait_for(lambda: size_of(page) != before, "the program hears of the new size")
    page.keyboard.press("Shift+Escape")
    assert page.evaluate("document.activeElement.id") == "console-close"
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.type("exit 3\n")
    state(page, "It ended with status 3.")
    assert page.evaluate("document.activeElement.id") == "console-open"
    page.keyboard.press("Enter")
    state(page, "shell: /bin/sh")
    page.get_by_role("button", name="End it").click()
    state(page, "You ended it.")
    wait_for(lambda: not running(dashboard), NOTHING_RUNS)


def size_of(page: Page) -> list[int]:
    """What the program is told of its terminal: rows and columns."""
    marks = page.evaluate("window.marks = (window.marks || 0) + 1")
    page.keyboard.type(f"echo size-{marks} $(stty size) $((41+1))\n")
    words: list[str] = []

    def told() -> bool:
        nonlocal words
        lines = [line.split() for line in screen(page).splitlines()]
        words = next((line for line in lines if line[:1] == [f"size-{marks}"] and line[-1] == "42"), [])
        return bool(words)

    wait_for(told, "the size")
    return [int(word) for word in words[1:3]]


def test_colours_are_there_and_the_policy_stays_strict(dashboard: Dashboard, visit: Visit) -> None:
    """Those of the palette and any other; no page complains; and no other page has the exception of this one."""
    page = visit(PATH)
    page.get_by_label("Run a command").fill(r"printf '\033[31mred\033[0m \033[38;2;1;200;3mown\033[0m\n'; cat")
    page.get_by_role("button", name="Run", exact=True).click()
    until(page, "red own")
    colours = page.evaluate(
        "[...document.querySelectorAll('.xterm-rows span')].filter(e => /^(red|own)$/.test(e.textContent))"
        ".map(e => getComputedStyle(e).color)"
    )
    plain = page.evaluate("getComputedStyle(document.querySelector('.xterm-rows')).color")
    assert len(set(colours)) == 2, colours
    assert plain not in colours
    below = page.evaluate("getComputedStyle(document.querySelector('.xterm-viewport')).backgroundColor")
    assert below == "rgba(0, 0, 0, 0)", "a bar of another colour stands below the last line"
    shoot(page, "console-open-light")
    page.emulate_media(color_scheme="dark")
    shoot(page, "console-open-dark")
    page.set_viewport_size(PHONE)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    shoot(page, "console-open-phone")
    assert barriers(page) == []
    page.get_by_role("button", name="Ctrl-D").click()
    state(page, "It ended with status 0.")
    assert "nonce" not in str(dashboard.send(page, "GET", "/apps/gallery").headers["content-security-policy"])
    first, second = (dashboard.send(page, "GET", PATH).headers["content-security-policy"] for _ in range(2))
    assert first != second
    assert "'unsafe" not in first


def test_a_flood_and_a_page_that_is_left(dashboard: Dashboard, visit: Visit) -> None:
    """All of it is shown in order and the keys still work; a page that is closed takes its program along."""
    page = visit(PATH)
    page.get_by_label("Run a command").fill("seq 200000; yes")
    page.get_by_role("button", name="Run", exact=True).click()
    until(page, "y")
    page.get_by_role("button", name="Ctrl-C").click()
    state(page, "SIGINT")
    page.get_by_label("Run a command").fill("cat")
    page.get_by_role("button", name="Run", exact=True).click()
    state(page, "cat")
    wait_for(lambda: running(dashboard), "it runs")
    page.close()
    wait_for(lambda: not running(dashboard), NOTHING_RUNS)


def test_what_cannot_be_opened_is_told_as_text(dashboard: Dashboard, visit: Visit) -> None:
    """Whatever stands in an error is text, and the page can try again."""
    page = visit("/apps/empty/console")
    page.get_by_role("button", name="Open console").click()
    state(page, "Nothing is deployed to empty yet.")
    expect(page.get_by_role("button", name="Open console again")).to_be_enabled()


# For owners alone, and for no other page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEPLOYER])
def test_nobody_but_an_owner_has_a_console(role: Role, dashboard: Dashboard, visit: Visit) -> None:
    """No tab, a refused page, and a socket that is refused in words; nothing is opened."""
    page = visit("/apps/gallery", role)
    assert page.get_by_role("link", name="Console").count() == 0
    page.goto(PATH)
    assert "owner" in page.inner_text("main")
    dashboard.expect_complaint("status of 403")
    with socket(dashboard, dashboard.credential(role.value, role)) as line:
        told = json.loads(line.recv())
        assert (told["type"], told["code"]) == ("error", "role-needed")
    assert not running(dashboard)
    entry = dashboard.platform.json("audit")[0]
    assert (entry["act"], entry["app"], entry["outcome"]) == ("open console", "gallery", "role-needed")


def test_another_page_gets_no_socket(dashboard: Dashboard) -> None:
    """Any page can open one, and the browser sends the cookie along: who asks stands in Origin, and has to."""
    owner = dashboard.credential("owner", Role.OWNER)
    for origin in (
        "http://gallery.localhost",
        f"http://gallery.localhost:{dashboard.platform.http_port}",
        "null",
        None,
    ):
        with pytest.raises(InvalidStatus) as refused, socket(dashboard, owner, origin=origin):
            pass
        assert refused.value.response.status_code == 403


def test_nobody_gets_in_without_a_session_or_by_another_name(dashboard: Dashboard) -> None:
    """No cookie, one that is made up, an app that is not there, a name that is none."""
    owner = dashboard.credential("owner", Role.OWNER)
    for credential, app, code in (
        ("", "gallery", "sign-in-needed"),
        ("ps_" + "a" * 43, "gallery", "session-ended"),
        (owner, "nobody", "app-unknown"),
        (owner, "..", "name-refused"),
        (owner, "Gallery", "name-refused"),
    ):
        with socket(dashboard, credential, app=app) as line:
            with suppress(ConnectionClosed):
                line.send('{"type":"open","argv":["true"]}')
            told = json.loads(line.recv())
            assert (told["type"], told["code"]) == ("error", code), (credential, app)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no message", "nonsense"),
        ("another one", '{"type":"resize","columns":80,"rows":24}'),
        ("a size of none", '{"type":"open","argv":["cat"],"size":{"columns":0,"rows":24}}'),
        ("a key more", '{"type":"open","argv":["cat"],"user":"root"}'),
        ("no program", '{"type":"open","argv":[""]}'),
        ("a NUL", '{"type":"open","argv":["cat","a\\u0000b"]}'),
        ("no console without a terminal", '{"type":"open"}'),
    ],
)
def test_a_first_message_that_makes_no_sense_is_refused(what: str, said: str, dashboard: Dashboard) -> None:
    """In words, and nothing is opened."""
    with socket(dashboard, dashboard.credential("owner", Role.OWNER)) as line:
        line.send(said)
        told = json.loads(line.recv())
        assert (told["type"], told["code"]) == ("error", "request-refused"), what
    assert not running(dashboard)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a second program", '{"type":"open","argv":["cat"]}'),
        ("more was taken than sent", '{"type":"taken","bytes":200000}'),
        ("a signal of none", '{"type":"signal","name":"SIGKILL"}'),
        ("more than may be on its way", b"x" * 100_000),
        ("a huge frame", b"x" * 1_000_000),
    ],
)
def test_who_does_not_keep_to_the_rules_is_cut_off(what: str, said: str | bytes, dashboard: Dashboard) -> None:
    """With a word where there is time for one, and the program ends by that."""
    with socket(dashboard, dashboard.credential("owner", Role.OWNER)) as line:
        line.send('{"type":"open","argv":["sleep","1000"]}')
        assert json.loads(line.recv())["type"] == "opened"
        try:
            for _ in range(5 if isinstance(said, bytes) else 1):
                line.send(said)
            told = json.loads(line.recv())
            while told["type"] == "taken":
                told = json.loads(line.recv())
            assert (told["type"], told["code"]) == ("error", "request-refused"), what
        except ConnectionClosed as closed:
            assert what == "a huge frame"
            # The rest of it may be in the way of a last word.
            assert closed.rcvd is None or closed.rcvd.code == 1009
    wait_for(lambda: not running(dashboard), NOTHING_RUNS)


def test_who_is_removed_loses_what_they_had_open(dashboard: Dashboard) -> None:
    """Within seconds, without anybody closing anything."""
    credential = dashboard.credential("second", Role.OWNER)
    with socket(dashboard, credential) as line:
        line.send('{"type":"open","argv":["sleep","1000"]}')
        assert json.loads(line.recv())["type"] == "opened"
        dashboard.platform.client.remove_person("second")
        told = json.loads(line.recv(timeout=60))
        assert (told["type"], told["code"]) == ("error", "session-ended")
    wait_for(lambda: not running(dashboard), NOTHING_RUNS)


@pytest.mark.parametrize("path", ["/api/apps/gallery/terminal", "/api/status", "/api"])
def test_the_api_opens_no_terminal(dashboard: Dashboard, path: str) -> None:
    """Not even for who may do everything else there: consoles are for who is signed in."""
    port = dashboard.platform.http_port
    owner = dashboard.asking(dashboard.credential("owner", Role.OWNER))
    token = owner.create_token(TokenCreate("everything" + path.replace("/", "-"), TokenAccess.WRITE)).credential
    with pytest.raises(InvalidStatus) as refused:
        connect(
            f"ws://potions.localhost:{port}{path}",
            address=("127.0.0.1", port),  # type: ignore[arg-type]
            additional_headers={"Authorization": f"Bearer {token}"},
            proxy=None,
        )
    assert refused.value.response.status_code == 403
    assert not running(dashboard)


def socket(
    dashboard: Dashboard, credential: str, *, app: str = "gallery", origin: str | None = "its own"
) -> ClientConnection:
    """A WebSocket as a program opens it: with whatever cookie and Origin it likes."""
    port = dashboard.platform.http_port
    cookie = {"Cookie": f"potions-{port}-session={credential}"} if credential else {}
    return connect(
        f"ws://potions.localhost:{port}/apps/{app}/console/socket",
        address=("127.0.0.1", port),  # type: ignore[arg-type]
        origin=dashboard.address if origin == "its own" else origin,  # type: ignore[arg-type]
        additional_headers=cookie,
        compression=None,
        proxy=None,
    )
