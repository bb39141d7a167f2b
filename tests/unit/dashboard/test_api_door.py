"""What ``/api`` hands on to the agent, and what it keeps to itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from potions.dashboard.app import make_app
from potions.dashboard.place import Place
from potions.errors import TokenUnknown
from potions.listening import listen_privately
from support.bare_home import bare_home
from support.canned_agent import Answer, CannedAgent, running_agent
from support.platform import wait_for

TOKEN = {"Authorization": "Bearer pt_good"}


class Door:
    """A real dashboard on its socket, before an agent that answers from a list."""

    def __init__(self, agent: CannedAgent, socket: Path) -> None:
        self.agent = agent
        self.http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://potions.localhost:8480", timeout=20
        )


@contextmanager
def _serving(place: Place) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(make_app(place), lifespan="off", log_config=None, forwarded_allow_ips="*"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listen_privately(place.listens)]})
    thread.start()
    try:
        wait_for(lambda: server.started, "the dashboard to answer")
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with bare_home() as home:
        home.run.mkdir(parents=True, exist_ok=True)
        yield home.run


@pytest.fixture(scope="module")
def shared_door(folder: Path) -> Iterator[Door]:
    place = Place(folder / "web.sock", folder / "dash.sock", "http://potions.localhost:8480", bytes(32))
    with running_agent(place.agent) as agent, _serving(place):
        yield Door(agent, place.listens)


@pytest.fixture
def door(shared_door: Door) -> Door:
    shared_door.agent.asked.clear()
    shared_door.agent.answers.clear()
    return shared_door


def test_a_request_goes_through_as_it_is(door: Door) -> None:
    """Method, path, query, body and credential; where it came from stands beside it."""
    door.agent.says("POST", "/apps/blog/releases", {"label": "r1"}, status=201)
    headers = {**TOKEN, "Content-Type": "application/octet-stream", "Potions-Packed-Bytes": "7"}
    headers |= {"X-Forwarded-For": "192.0.2.5", "User-Agent": "curl/8"}
    answer = door.http.post("/api/apps/blog/releases?source=a%20b.tar.gz", content=b"archive", headers=headers)
    assert (answer.status_code, answer.json()) == (201, {"label": "r1"})
    asked = door.agent.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", "/apps/blog/releases", {"source": "a b.tar.gz"})
    assert asked.body == b"archive"
    sent = {name.lower(): value for name, value in asked.headers.items()}
    assert (sent["authorization"], sent["potions-packed-bytes"]) == ("Bearer pt_good", "7")
    assert (sent["potions-from"], sent["user-agent"], sent["content-length"]) == ("192.0.2.5", "curl/8", "7")


def test_what_is_nobodys_business_stays_outside(door: Door) -> None:
    """Cookies, and a header that only the dashboard may set."""
    door.agent.says("GET", "/apps", [])
    headers = {**TOKEN, "Cookie": "potions-8480-session=ps_x", "Potions-From": "203.0.113.1", "X-Else": "1"}
    assert door.http.get("/api/apps", headers=headers).status_code == 200
    sent = {name.lower(): value for name, value in door.agent.asked[0].headers.items()}
    assert "cookie" not in sent
    assert "x-else" not in sent
    assert "203.0.113.1" not in sent.get("potions-from", "")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_without_a_credential_the_agent_is_not_even_asked(door: Door, method: str) -> None:
    """A cookie is none; the answer says what is missing, as JSON, and which scheme there is."""
    answer = door.http.request(method, "/api/apps", headers={"Cookie": "potions-8480-session=ps_x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "credential-refused")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert door.agent.asked == []
    assert "set-cookie" not in answer.headers


def test_a_refusal_is_the_agents_own(door: Door) -> None:
    """With its status and its words; a 401 names the scheme."""
    door.agent.refuses("GET", "/apps", TokenUnknown())
    answer = door.http.get("/api/apps", headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (401, "token-unknown")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_nothing_in_an_answer_runs_in_a_browser(door: Door) -> None:
    """Whatever type it says to be of: it is for programs."""
    door.agent.adds("GET", "/apps/a/storage/file", Answer(body=b"<script>", headers={"Set-Cookie": "a=b", "ETag": "1"}))
    answer = door.http.get("/api/apps/a/storage/file", headers=TOKEN)
    assert answer.content == b"<script>"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (answer.headers["cache-control"], answer.headers["etag"]) == ("no-store", "1")
    assert "set-cookie" not in answer.headers


def test_a_stream_arrives_while_it_goes_on(door: Door) -> None:
    """Line by line, not when it has ended."""
    hold = threading.Event()
    door.agent.streams("/apps/a/logs", [{"n": 1}, {"n": 2}], hold=hold)
    try:
        with door.http.stream("GET", "/api/apps/a/logs?follow=true", headers=TOKEN) as answer:
            lines = answer.iter_lines()
            assert [json.loads(next(lines))["n"] for _ in range(2)] == [1, 2]
    finally:
        hold.set()


def test_an_answer_that_breaks_off_is_seen_to_break_off(door: Door) -> None:
    """Half an answer never looks whole."""
    door.agent.adds("GET", "/apps/a/storage/file", Answer(body=b"half", short=10))
    with pytest.raises(httpx.RemoteProtocolError):
        door.http.get("/api/apps/a/storage/file", headers=TOKEN)
    door.agent.streams("/apps/a/logs", [{"n": 1}], broken=True)
    with pytest.raises(httpx.RemoteProtocolError):
        door.http.get("/api/apps/a/logs", headers=TOKEN)


def test_encoded_paths_stay_encoded(door: Door) -> None:
    """What leads elsewhere once it is decoded is for the agent to judge."""
    for path in ("/apps/a%2fb", "/apps/%2e%2e/people", "/apps/a/storage/%00"):
        door.agent.says("GET", path, {})
        assert door.http.get(f"/api{path}", headers=TOKEN).status_code == 200
    assert [asked.path for asked in door.agent.asked] == ["/apps/a%2fb", "/apps/%2e%2e/people", "/apps/a/storage/%00"]


def test_only_what_is_below_the_prefix_is_passed_on(door: Door) -> None:
    """``/apix`` is not ``/api`` with an ``x``."""
    assert door.http.get("/apix", headers=TOKEN).status_code == 404
    assert door.agent.asked == []


def test_an_agent_that_is_away_is_told_as_the_api_tells_errors(folder: Path) -> None:
    """As JSON, to be tried again."""
    place = Place(folder / "nobody.sock", folder / "other.sock", "http://potions.localhost:8480", bytes(32))
    with _serving(place):
        transport = httpx.HTTPTransport(uds=str(place.listens))
        with httpx.Client(transport=transport, base_url="http://potions.localhost:8480") as http:
            answer = http.get("/api/apps", headers=TOKEN)
    assert (answer.status_code, answer.json()["code"], answer.json()["retry"]) == (503, "agent-unreachable", True)
