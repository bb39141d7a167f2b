"""Real Chromium in front of a real dashboard: who is signed in, what pages complained about, what they look like."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

from potions.client import Behalf, Client
from potions.schema import InvitationAccept, Role
from support.platform import Platform

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
AXE = ROOT / "assets" / "node_modules" / "axe-core" / "axe.min.js"
#: Kept after the run, for people to look at.
SCREENSHOTS = ROOT / "build" / "screenshots"

#: Opens a page as somebody of a role: ``visit("/trash", Role.VIEWER)``.
Visit = Callable[..., Page]

PASSWORD = "correct horse battery"
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)

#: The pages' own address and nothing else: a browser that calls home would make the tests depend on the network.
_FLAGS = (
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync"),
    *(
        "--disable-extensions",
        "--disable-gpu",
        "--no-first-run",
        "--no-default-browser-check",
        "--metrics-recording-only",
    ),
    # Shared memory of a container is small.
    "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication",
    "--host-resolver-rules=MAP *.localhost 127.0.0.1, EXCLUDE 127.0.0.1, MAP * ~NOTFOUND",
)


@contextmanager
def chromium(*more_flags: str) -> Iterator[Browser]:
    """A browser without a window, until the block ends."""
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root, and shows nothing but pages of ours here.
        flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(_FLAGS)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*flags, *more_flags])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Dashboard:
    """The dashboard of one platform, and the browser that looks at it. Every context is closed with it."""

    platform: Platform
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What consoles said that is not in order: errors, warnings of the content security policy, failed requests."""
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://potions.localhost:{self.platform.http_port}"

    # People

    def credential(self, name: str, role: Role) -> str:
        """A session of ``name``, who is invited and joins at the first time."""
        if name not in self.credentials:
            link = self.platform.client.invite(name, role)
            with Client(self.platform.home.web_socket) as web:
                self.credentials[name] = web.accept_invitation(link.token, InvitationAccept(PASSWORD)).credential
        return self.credentials[name]

    def asking(self, credential: str) -> Client:
        """The API, asked as the dashboard asks it."""
        return Client(self.platform.home.web_socket, Behalf(credential, "127.0.0.1", "Test/1.0"))

    def send(self, page: Page, method: str, path: str, **options: Any) -> httpx.Response:
        """A request with the cookies of the page's browser, and nothing else that a browser would see to."""
        carried = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies(self.address))
        port = self.platform.http_port
        headers = {"Host": f"potions.localhost:{port}", "Cookie": carried, **options.pop("headers", {})}
        return httpx.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=60, **options)

    # Pages

    def open(self, path: str = "/", credential: str = "", **options: Any) -> Page:
        """A page in a browser profile of its own, signed in where there is a credential. Watched for complaints."""
        page = self.blank(credential, **options)
        page.goto(path)
        return page

    def blank(self, credential: str = "", **options: Any) -> Page:
        context = self.browser.new_context(base_url=self.address, viewport=DESKTOP, **options)
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        if credential:
            name = f"potions-{self.platform.http_port}-session"
            context.add_cookies([{"name": name, "value": credential, "url": self.address}])
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    def expect_complaint(self, pattern: str) -> None:
        """Take away what a test brought about on purpose; fails where nothing like it was said."""
        left = [one for one in self.complaints if not re.search(pattern, one)]
        assert len(left) < len(self.complaints), f"nobody complained of {pattern}: {self.complaints}"
        self.complaints[:] = left

    def close_contexts(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()


# Looking


def shoot(page: Page, name: str) -> None:
    """Keep what the whole page looks like. To hide carets would leave a style on every input."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=True, animations="disabled", caret="initial")


def barriers(page: Page) -> list[str]:
    """What axe finds on the page as it is now: rule, element and advice, a line each.

    It runs in a world of its own beside the page's scripts, so that the page's policy need not be weakened for it.
    """
    session = page.context.new_cdp_session(page)
    try:
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
        _evaluate(session, world, _axe())
        found = _evaluate(
            session, world, "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))"
        )
    finally:
        session.detach()
    return [
        f"{rule['id']}: {node['html'][:160]} -- {node['failureSummary'].replace(chr(10), ' ')[:300]}"
        for rule in json.loads(found)
        for node in rule["nodes"]
    ]


def flaws(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it is now: light, dark, and on a phone. A screenshot of each is kept.

    Where axe finds nothing, headings and labels are in order; what it cannot see is looked for here: sideways
    scrolling, and anything inline.
    """
    # First: taking a picture hides the caret, by styles of its own.
    found = [f"inline: {text}" for text in page.evaluate(_INLINE)]
    for look, scheme, viewport in (("light", "light", DESKTOP), ("dark", "dark", DESKTOP), ("phone", "light", PHONE)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        shoot(page, f"{name}-{look}")
        found += [f"{look}: {barrier}" for barrier in barriers(page)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{look}: the page is wider than the screen")
    page.set_viewport_size(DESKTOP)
    return found


#: The start of every element that has a style or a script of its own in the page.
_INLINE = """[...document.querySelectorAll("[style], style, script:not([src])")]
    .concat([...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => /^on/.test(a.name))))
    .map(e => e.outerHTML.slice(0, 120))"""


@cache
def _axe() -> str:
    return AXE.read_text()


def _evaluate(session: Any, world: int, expression: str) -> Any:
    answer = session.send(
        "Runtime.evaluate",
        {"expression": expression, "contextId": world, "awaitPromise": True, "returnByValue": True},
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")
