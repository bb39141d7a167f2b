"""The API of logs: lines with their cursors, read on, searched and got as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from litestar.testing import TestClient

from potions.client import error_from
from potions.errors import DeploymentUnknown, PotionsError, RequestRefused, WorkerUnknown
from potions.host.deployment_log import DeploymentLog
from potions.layout import AppTree, Colour
from potions.model.app import Ports
from potions.model.deployment import Kind
from potions.names import AppName, ReleaseId
from potions.schema import ErrorBody, Event, EventKind, LogLine
from potions.service import Service

Api = TestClient[Any]
AT = "/apps/talker/logs"
EVENTS = "/apps/talker/deployments/1/events"


@pytest.fixture(scope="module")
def tree(service: Service) -> AppTree:
    context = service.context
    made = context.store.create_app(AppName("talker"), lambda _taken: Ports(4000), {})
    context.trees.create(context.tree(made))
    release = ReleaseId("b" * 64)
    context.store.add_release(made.id, release, "tar.gz", 100, "talker.tar.gz")
    context.store.create_deployment(made.id, Kind.DEPLOY, release, "ana")
    context.tree(made).output_log(Colour.GREEN).write_text("one\ntwo\nthree\n")
    context.tree(made).worker_log(Colour.GREEN, "mail").write_text("sent\n")
    return context.tree(made)


def refusal(answer: Any) -> PotionsError:
    assert 400 <= answer.status_code < 500, answer.text
    return error_from(msgspec.json.decode(answer.content, type=ErrorBody))


def lines(answer: Any, kind: type[Any] = LogLine) -> list[Any]:
    assert answer.is_success, answer.text
    return [msgspec.json.decode(line, type=kind) for line in answer.content.splitlines()]


def test_a_log_goes_on_behind_the_line_whose_cursor_is_handed_back(api: Api, tree: AppTree) -> None:
    """In every log at once: what came of the others before is not repeated."""
    every = lines(api.get(AT))
    assert [line.text for line in every] == ["one", "two", "three", "sent"]
    for number, line in enumerate(every):
        rest = lines(api.get(f"{AT}?after={quote(line.cursor)}"))
        assert [one.text for one in rest] == [one.text for one in every[number + 1 :]]
        assert line.cursor == quote(line.cursor)


def test_a_log_is_searched(api: Api, tree: AppTree) -> None:
    """Only lines with the text come, and so many of them."""
    assert [line.text for line in lines(api.get(f"{AT}?contains=T&process=web"))] == ["two", "three"]
    assert [line.text for line in lines(api.get(f"{AT}?contains=t&lines=1&slot=green&process=web"))] == ["three"]
    assert lines(api.get(f"{AT}?contains={quote('[.*')}")) == []
    assert isinstance(refusal(api.get(f"{AT}?contains={'x' * 1001}")), RequestRefused)


def test_a_hostile_cursor_is_refused(api: Api, tree: AppTree) -> None:
    """As an answer of its own, and nothing else is read."""
    (cursor,) = {line.cursor for line in lines(api.get(f"{AT}?slot=green&process=mail"))}
    for wrong in ("../../../etc/passwd", "x" * 2000, "", "%00", "%ff", cursor):
        assert isinstance(refusal(api.get(f"{AT}?after={wrong}")), RequestRefused), wrong
    assert lines(api.get(f"{AT}?slot=green&process=mail&after={cursor}")) == []


def test_a_log_is_got_as_a_file(api: Api, tree: AppTree) -> None:
    """As plain text, to be saved and not shown, with its length."""
    tree.output_log(Colour.GREEN).with_name("green.log.1").write_text("zero\n<script>\n")
    answer = api.get(f"{AT}/file")
    assert answer.text == "zero\n<script>\none\ntwo\nthree\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="talker-green-web.log"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    tree.output_log(Colour.GREEN).with_name("green.log.1").unlink()
    assert api.get(f"{AT}/file?slot=green&process=mail").text == "sent\n"
    assert api.get(f"{AT}/file?slot=blue").text == ""
    assert isinstance(refusal(api.get(f"{AT}/file?process=../../state/agent.db")), WorkerUnknown)
    assert isinstance(refusal(api.get(f"{AT}/file?slot=red")), RequestRefused)


def test_events_go_on_behind_the_one_whose_position_is_handed_back(api: Api, tree: AppTree) -> None:
    """The kept log says nothing of positions; what is streamed does."""
    log = DeploymentLog(tree.deployment_log(1))
    for text in ("one", "twö", "three"):
        log.note(text)
    assert b"position" not in tree.deployment_log(1).read_bytes()
    every = lines(api.get(EVENTS), Event)
    assert [event.kind for event in every] == [EventKind.NOTE] * 3
    for number, event in enumerate(every):
        rest = lines(api.get(f"{EVENTS}?after={event.position}"), Event)
        assert rest == every[number + 1 :]
    assert every[-1].position == tree.deployment_log(1).stat().st_size
    for wrong in (1, every[0].position - 1, every[-1].position + 1, -1, "x", 2**60):
        assert isinstance(refusal(api.get(f"{EVENTS}?after={wrong}")), RequestRefused), wrong
    assert isinstance(refusal(api.get("/apps/talker/deployments/7/events?after=5")), DeploymentUnknown)
