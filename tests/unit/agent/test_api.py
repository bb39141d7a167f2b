"""The API as a whole: errors that come back as themselves, requests that do not fit, and its description."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from potions import errors
from potions.agent.app import make_app
from potions.client import error_from
from potions.errors import InternalError, NoRoom, PotionsError, RequestRefused
from potions.layout import AGENT_SOCKET
from potions.model.app import App, Ports
from potions.model.deployment import Kind
from potions.names import AppName, ReleaseId
from potions.schema import ErrorBody
from potions.service import Service

Api = TestClient[Any]
AGENT = f"http://{AGENT_SOCKET}"

EVERY = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, PotionsError)]


@pytest.fixture(scope="module")
def app(service: Service) -> App:
    """An app with a tree and a deployment, to ask for."""
    context = service.context
    made = context.store.create_app(AppName("blog"), lambda _taken: Ports(4000), {"SECRET_KEY_BASE": "hidden-value"})
    context.trees.create(context.tree(made))
    release = ReleaseId("a" * 64)
    context.store.add_release(made.id, release, "tar.gz", 100, f"{datetime.now(UTC)}.tar.gz")
    context.store.create_deployment(made.id, Kind.DEPLOY, release, "ana")
    return made


def refusal(answer: Any) -> PotionsError:
    """The error that an answer tells; fails if it tells none."""
    assert answer.status_code >= 400, answer.text
    return error_from(msgspec.json.decode(answer.content, type=ErrorBody))


def assert_refused(answer: Any) -> PotionsError:
    """Refused in words that a person can use, and as no mistake of ours."""
    error = refusal(answer)
    assert answer.status_code < 500, answer.text
    assert not isinstance(error, InternalError)
    assert error.what
    assert "Traceback" not in answer.text
    return error


# Errors come back as themselves


class _Failing(Service):
    """A service whose every part raises the same error."""

    def __init__(self) -> None:  # its parts are left out on purpose
        self.error: Exception = PotionsError("")

    def __getattr__(self, _name: str) -> Any:
        raise self.error


@pytest.fixture(scope="module")
def answer_to() -> Iterator[Callable[[Exception], Any]]:
    """What is answered when the service raises an error."""
    failing = _Failing()
    with TestClient(make_app(failing), base_url=AGENT, raise_server_exceptions=False) as client:

        def answer(error: Exception) -> Any:
            failing.error = error
            return client.get("/status")

        yield answer


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_itself(answer_to: Callable[[Exception], Any], kind: type[PotionsError]) -> None:
    """Its class, its words, its exit status and whether the call may be tried again, all the way to the client."""
    error = kind.__new__(kind)
    PotionsError.__init__(error, "What happened \udcff.", why="Why it did.", do="What to do.")
    answer = answer_to(error)
    assert answer.status_code == kind.http_status
    back = refusal(answer)
    assert type(back) is kind
    assert (back.what, back.why, back.do) == ("What happened \\udcff.", "Why it did.", "What to do.")
    assert (back.exit_status, back.retry) == (kind.exit_status, kind.retry)


def test_a_mistake_is_told_without_its_details(answer_to: Callable[[Exception], Any]) -> None:
    """They are in the agent's log; the answer is no traceback and shows nothing of what was at hand."""
    logged: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = logged.append  # type: ignore[method-assign]
    logging.getLogger("potions").addHandler(handler)
    answer = answer_to(KeyError("a-value-nobody-may-see"))
    logging.getLogger("potions").removeHandler(handler)
    assert answer.status_code == 500
    assert isinstance(refusal(answer), InternalError)
    assert "a-value-nobody-may-see" not in answer.text
    assert [record.exc_info is not None for record in logged] == [True]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_one(answer_to: Callable[[Exception], Any], number: int) -> None:
    """Wherever it is met."""
    answer = answer_to(OSError(number, "full"))
    assert answer.status_code == 507
    assert isinstance(refusal(answer), NoRoom)


# Requests that do not fit


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("GET", "/"), ("GET", "/apps/blog/nothing"), ("PUT", "/apps"), ("DELETE", "/status")],
)
def test_an_unknown_route_is_refused(api: Api, method: str, path: str) -> None:
    """With the status that HTTP has for it."""
    answer = api.request(method, path)
    assert answer.status_code in {404, 405}
    assert isinstance(assert_refused(answer), RequestRefused)


BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"blog"',
    b"{}",
    b'{"name": 1}',
    b'{"name": null}',
    b"\xff\xfe",
    b'{"name": "a", "x": 1}',
]
BODIES += [b'{"name": "\\ud800"}', b"[" * 100_000, b'{"name": ' + b"9" * 5000 + b"}", b'{"name": "a"} trailing']


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
def test_a_body_that_does_not_fit_is_refused(api: Api, app: App, body: bytes) -> None:
    """For every route that takes one."""
    headers = {"Content-Type": "application/json"}
    assert_refused(api.post("/apps", content=body, headers=headers))
    if body not in {b"{}"}:
        assert_refused(api.patch("/apps/blog/variables", content=body, headers=headers))
        assert_refused(api.post("/apps/blog/deployments", content=body, headers=headers))
        assert_refused(api.post("/trash/blog/restore", content=body, headers=headers))
        assert_refused(api.post("/apps/blog/rollback", content=body, headers=headers))


def test_a_refused_body_does_not_repeat_its_values(api: Api, app: App) -> None:
    """What was meant to be a secret is not in the answer, nor in the log."""
    for body in (
        b'{"set": {"KEY": ["hidden-value"]}}',
        b'{"set": "hidden-value"}',
        b'{"hidden-value": 1, "set": {}}'[:-1],
    ):
        answer = api.patch("/apps/blog/variables", content=body, headers={"Content-Type": "application/json"})
        assert_refused(answer)
        assert "hidden-value" not in answer.text


def test_a_body_of_another_kind_is_refused(api: Api, app: App) -> None:
    """A form is no JSON."""
    answer = api.post("/apps", content=b"name=blog2", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert_refused(answer)


NUMBERS = [
    "0",
    "-1",
    "2",
    "99999999999",
    str(2**63),
    str(2**64),
    "9" * 400,
    "9" * 5000,
    "1.5",
    "one",
    "0x1",
    "%00",
    "1e3",
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("route", ["", "/events", "/cancel"])
def test_a_number_that_no_deployment_has_is_refused(api: Api, app: App, number: str, route: str) -> None:
    """However large it is, and also where it is none."""
    method = "POST" if route == "/cancel" else "GET"
    assert_refused(api.request(method, f"/apps/blog/deployments/{number}{route}"))


QUERIES = ["/deployments?limit=0", "/deployments?limit=1001", "/deployments?limit=many"]
QUERIES += [f"/deployments?limit={'9' * 400}", "/logs?lines=-1", "/logs?lines=1e9", "/logs?slot=red"]
QUERIES += ["/variables/history?limit=0", "/variables/history?limit=10001", "/variables/export?automatic=2"]
QUERIES += ["/rollback?to=latest", "/rollback?to=r1&env=today", "/releases/diff?before=../x", "/releases/diff?limit=-1"]
QUERIES += [f"/releases/diff?limit={'9' * 400}", f"/releases/diff?after={'9' * 5000}", "/rollback?to=%00"]
QUERIES += ["/logs?follow=perhaps", "/variables?reveal=2", "/deployments/1/events?follow=x", "/removal?purge=%ff"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_does_not_fit_is_refused(api: Api, app: App, query: str) -> None:
    """A word that was mistyped never counts as the default."""
    assert_refused(api.get(f"/apps/blog{query}"))


@pytest.mark.parametrize("header", ["Potions-Packed-Bytes", "Potions-Unpacked-Bytes"])
@pytest.mark.parametrize("value", ["-1", "many", "1.5", "9" * 400, "9" * 5000])
def test_a_size_that_does_not_fit_is_refused(api: Api, app: App, header: str, value: str) -> None:
    """One that no disk holds, too; nothing is left of the upload."""
    answer = api.post("/apps/blog/releases", content=b"data", headers={header: value})
    error = refusal(answer)
    assert isinstance(error, RequestRefused | NoRoom)
    assert not isinstance(error, InternalError)


NAMES = [
    "nobody",
    "..",
    "%2e%2e",
    "a%2fb",
    "%00",
    "blog%00",
    "%ff",
    "%ed%a0%80",
    "BLOG",
    "x" * 5000,
    "%0a",
    "blog%20",
    "é",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:12])
def test_a_name_that_no_app_has_is_refused(api: Api, app: App, name: str) -> None:
    """By every route that has one in its path, whatever bytes it is made of."""
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/variables"), ("GET", "/logs"), ("POST", "/stop")):
        assert_refused(api.request(method, f"/apps/{name}{rest}"))
    assert_refused(api.post(f"/trash/{name}/restore", json={}))
    assert_refused(api.post(f"/apps/{name}/releases", content=b"data"))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.one_of(st.text(max_size=50), st.binary(max_size=30)))
def test_any_name_is_refused_or_made_in_words(api: Api, name: str | bytes) -> None:
    """Whatever is asked for, in the path."""
    text = quote(name.encode("utf-8", "surrogatepass") if isinstance(name, str) else name, safe="")
    answer = api.get(f"/apps/x{text}")
    assert_refused(answer)


def test_what_is_sent_as_a_source_can_be_kept(api: Api, app: App) -> None:
    """A file's name may be any bytes; it is told and never breaks the answer."""
    for source in ("%ff%fe", "%00", "%ed%a0%80", "a%0ab", "x" * 3000, "é.tar.gz"):
        answer = api.post(f"/apps/blog/releases?source={source}", content=b"no archive")
        assert_refused(answer)


# Variables


@pytest.mark.parametrize("name", ["history", "export", "preview", "named"])
def test_a_variable_may_be_called_as_a_route_is(api: Api, service: Service, app: App, name: str) -> None:
    """It is found all the same, and the route still answers."""
    service.context.store.change_variables(app.id, {name: "hidden"})
    assert api.get(f"/apps/blog/variables/named/{name}").json()["value"] == "hidden"
    assert isinstance(api.get("/apps/blog/variables/history").json(), list)


def test_whoever_asks_for_a_value_is_in_the_history(api: Api, service: Service, app: App) -> None:
    """By the name that the socket gives; without a value nobody is."""

    def seen() -> list[tuple[str, str]]:
        found = api.get("/apps/blog/variables/history").json()
        return [(event["by"], event["act"]) for event in found if event["seen"]]

    before = seen()
    api.get("/apps/blog/variables")
    api.get("/apps/blog/variables?reveal=false")
    assert seen() == before
    api.get("/apps/blog/variables?reveal=true")
    api.get("/apps/blog/variables/export?automatic=true")
    assert seen() == [("testclient", "exported"), ("testclient", "revealed"), *before]


# Its description


def test_the_description_names_every_route(api: Api) -> None:
    """With a summary for each, and an answer that has a shape."""
    description = api.get("/schema/openapi.json").json()
    described = {
        (method.upper(), path)
        for path, methods in description["paths"].items()
        for method in methods
        if method != "parameters"
    }
    served = set(_routes(api))
    assert described == served
    assert ("POST", "/apps/{name}/deployments/{number}/cancel") in described
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, path)


def _routes(api: Api) -> Iterator[tuple[str, str]]:
    """Every method and path that the application answers, apart from the description itself."""
    for route in api.app.routes:
        if not route.path.startswith("/schema"):
            for method in route.methods - {"OPTIONS", "HEAD"}:
                yield method, route.path_format


def test_the_description_can_be_looked_at(api: Api) -> None:
    """In a browser and as YAML."""
    assert api.get("/schema").status_code == 200
    assert "openapi:" in api.get("/schema/openapi.yaml").text
