"""The dashboard's own server over the agent's sockets, and people who look at it without scripts."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
import uvicorn

from potions.dashboard.app import make_app
from potions.dashboard.place import Place
from potions.listening import listen_privately
from potions.schema import InvitationAccept, Role
from support.doors import PASSWORD, Doors
from support.platform import wait_for

ADDRESS = "http://potions.localhost:8480"
_TOKEN = re.compile(r'x-csrftoken&#34;: &#34;([0-9a-f]+)|x-csrftoken": "([0-9a-f]+)')
_TAGS = re.compile(r"<[^>]*>")


@dataclass
class Browser:
    """A signed-in person. Redirects are not followed; ``text`` is what stands on a page."""

    http: httpx.Client

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return text_of(answer)

    def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form, as a page of the dashboard does."""
        return self.http.post(path, data={"_csrf_token": self.token(), **form}, headers={"Origin": ADDRESS})

    def put(self, path: str, content: Any, **headers: str) -> httpx.Response:
        """Send bytes, as a script of the dashboard does."""
        known = {"Origin": ADDRESS, "x-csrftoken": self.token(), "Content-Type": "application/octet-stream"}
        return self.http.put(path, content=content, headers=known | headers)

    def token(self) -> str:
        found = _TOKEN.search(self.get("/apps/any/storage/move?path=any").text)
        assert found
        return found[1] or found[2]


def text_of(answer: httpx.Response) -> str:
    """The words of a page, with one space between them."""
    return " ".join(unescape(_TAGS.sub(" ", answer.text)).split())


@dataclass
class Dashboard:
    """A dashboard that answers, and the doors behind it."""

    place: Place
    doors: Doors

    @contextmanager
    def browser(self, role: Role) -> Iterator[Browser]:
        """Somebody new of that role."""
        link = self.doors.own.invite(f"p{secrets.token_hex(6)}", role)
        session = self.doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD))
        transport = httpx.HTTPTransport(uds=str(self.place.listens), verify=False)
        cookies = {self.place.cookie("session"): session.credential}
        with httpx.Client(transport=transport, base_url=ADDRESS, cookies=cookies, timeout=60) as http:
            yield Browser(http)


@contextmanager
def open_dashboard(doors: Doors) -> Iterator[Dashboard]:
    """The dashboard, answered by the server that it has in a home, until the block ends."""
    socket = doors.home.web_socket.with_name("d")
    place = Place(doors.home.web_socket, socket, ADDRESS, secrets.token_bytes(32))
    listener = listen_privately(socket)
    config = uvicorn.Config(
        make_app(place), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_for(lambda: server.started, "the dashboard answers")
    try:
        yield Dashboard(place, doors)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
