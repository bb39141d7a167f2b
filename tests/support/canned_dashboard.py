"""A real dashboard on its socket, before an agent that answers from a list, and somebody who is signed in to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn

from potions.dashboard.app import make_app
from potions.dashboard.place import Place
from potions.layout import Colour
from potions.listening import listen_privately
from potions.model.access import Way
from potions.names import AppName, ReleaseId
from potions.schema import (
    Anybody,
    AppDetail,
    AppSummary,
    Caller,
    Deployed,
    Deployment,
    Kind,
    Release,
    Role,
    Status,
)
from support.bare_home import bare_home
from support.canned_agent import CannedAgent, running_agent
from support.platform import wait_for

ADDRESS = "http://potions.localhost:8480"
AT = datetime(2026, 11, 27, 12, 30, 5, tzinfo=UTC)
RELEASE = Release(ReleaseId("a" * 64), "r1", ".tar.gz", 1234, "blog.tar.gz", AT)

_TOKEN = re.compile(r'"x-csrftoken": "([0-9a-f]+)"')


class Browser:
    """Somebody who is signed in, without scripts."""

    def __init__(self, agent: CannedAgent, place: Place) -> None:
        self.agent = agent
        self.http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(place.listens)),
            base_url=ADDRESS,
            cookies={place.cookie("session"): "ps_good"},
            timeout=20,
        )
        self._token = ""

    def becomes(self, role: Role) -> None:
        """Forget what the agent was told to say, and be a person of that role."""
        self.agent.asked.clear()
        self.agent.answers.clear()
        self.agent.says("GET", "/anybody", Anybody(True))
        self.agent.says("GET", "/session", Caller("anna", Way.DASHBOARD, role))

    @property
    def token(self) -> str:
        """What every form carries."""
        if not self._token:
            found = _TOKEN.search(self.http.get("/sign-in").text)
            assert found, "no token on the page"
            self._token = found[1]
        return self._token

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        return self.http.post(path, data={**fields, "_csrf_token": self.token}, headers={"Origin": ADDRESS})


@contextmanager
def browsing() -> Iterator[Browser]:
    """A dashboard until the block ends."""
    with bare_home() as home:
        home.run.mkdir(parents=True, exist_ok=True)
        place = Place(home.web_socket, home.dashboard_socket, ADDRESS, bytes(32))
        with running_agent(place.agent) as agent, _serving(place):
            yield Browser(agent, place)


@contextmanager
def _serving(place: Place) -> Iterator[None]:
    config = uvicorn.Config(make_app(place), lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listen_privately(place.listens)]})
    thread.start()
    try:
        wait_for(lambda: server.started, "the dashboard to answer")
        yield
    finally:
        server.should_exit = True
        thread.join()


def deployment(number: int = 1, status: Status = Status.SUCCEEDED, **more: Any) -> Deployment:
    """A deployment of ``blog``."""
    known = {"kind": Kind.DEPLOY, "release": RELEASE, "by": "anna", "began": AT, "ended": AT if status.ended else None}
    return Deployment(
        id=number,
        app_id=1,
        app=AppName("blog"),
        number=number,
        status=status,
        slot=Colour.BLUE,
        previous=None,
        target=None,
        created=AT,
        **(known | more),
    )


def detail() -> AppDetail:
    """The app ``blog``, which deployment 1 serves."""
    summary = AppSummary("blog", "http://blog.localhost:8480", Deployed(1, "r1", AT), Colour.BLUE, "running", AT)
    return AppDetail(summary, "/apps/blog", "/apps/blog/storage", 0, 0, [], None, None, None)
