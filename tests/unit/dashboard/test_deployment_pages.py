"""A deployment's log on its way to a browser, and an archive on its way from one."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import pytest

from potions.errors import NotCancellable, ReleaseRefused
from potions.schema import Event, EventKind, Role, Status
from support.canned_agent import Answer
from support.canned_dashboard import ADDRESS, AT, RELEASE, Browser, deployment, detail

EVENTS = [Event(AT, EventKind.BEGAN, "build")]
EVENTS += [Event(AT, EventKind.OUTPUT, "build", f"line {number}") for number in range(500)]
EVENTS += [Event(AT, EventKind.ENDED, "build", seconds=2.0), Event(AT, EventKind.STATUS, "", "succeeded")]

HOSTILE = "</div><script>alert(1)</script>\r\n\r\nid: 999999\r\nevent: end\r\ndata: x"


class Message:
    """One Server-Sent Event, read as a browser reads it."""

    def __init__(self, block: str) -> None:
        fields: dict[str, list[str]] = {}
        for line in re.split("\r\n|\r|\n", block):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        self.id = "".join(fields.get("id", []))
        self.event = "".join(fields.get("event", [])) or "message"
        self.data: dict[str, Any] = msgspec.json.decode(fields["data"][0]) if fields.get("data", [""])[0] else {}


def listen(browser: Browser, after: str = "", last: str = "") -> list[Message]:
    headers = {"Last-Event-ID": last} if last else {}
    answer = browser.http.get(f"/apps/blog/deployments/1/events?after={after}", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    return [Message(block) for block in re.split("\r\n\r\n", answer.text) if "data" in block or "event" in block]


def texts(messages: list[Message]) -> list[str]:
    return [row[2] for message in messages for row in message.data.get("rows", [])]


def shows(browser: Browser, *answers: Answer, status: Status = Status.SUCCEEDED) -> None:
    """Have the agent tell of deployment 1, with these streams one after another."""
    browser.agent.says("GET", "/apps/blog/deployments/1", deployment(status=status))
    browser.agent.says("GET", "/apps/blog", detail())
    browser.agent.says("GET", "/apps/blog/deployments", [deployment(status=status)])
    for answer in answers:
        browser.agent.adds("GET", "/apps/blog/deployments/1/events", answer)


def encoded(events: list[Event]) -> list[bytes]:
    """The agent's lines, some at a time, and cut where the network cuts."""
    data = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
    return [data[begin : begin + 679] for begin in range(0, len(data), 679)]


@pytest.mark.parametrize("broken_after", [1, 2, 250, 499, 502])
@pytest.mark.parametrize("by_header", [True, False], ids=["the browser's own", "the page's"])
def test_after_a_broken_connection_no_line_is_lost_and_none_comes_twice(
    browser: Browser, broken_after: int, by_header: bool
) -> None:
    """The agent is lost in the middle; the browser goes on behind the id that came last, in either way it can ask."""
    shows(
        browser,
        Answer(lines=encoded(EVENTS[:broken_after]), broken=True),
        Answer(lines=encoded(EVENTS)),
    )
    first = listen(browser)
    assert first[-1].event == "message"
    last = first[-1].id
    second = listen(browser, last=last, after="1") if by_header else listen(browser, after=last)
    assert second[-1].event == "end"
    whole = texts(first) + texts(second)
    assert [text for text in whole if text.startswith("line")] == [f"line {number}" for number in range(500)]
    assert len(whole) == len(EVENTS)
    assert [message.id for message in second if message.id][-1] == str(len(EVENTS))


def test_a_log_that_ends_before_its_deployment_is_not_told_as_over(browser: Browser) -> None:
    """An agent that is stopped ends its streams well."""
    shows(browser, Answer(lines=encoded(EVENTS[:10])), status=Status.BUILDING)
    messages = listen(browser)
    assert messages and {message.event for message in messages} == {"message"}


@pytest.mark.parametrize("said", ["-1", "1e3", "x", "9" * 40, "²", "1\x7f"])
def test_an_id_that_nobody_gave_begins_anew(browser: Browser, said: str) -> None:
    """From the page's address anything can come."""
    shows(browser, Answer(lines=encoded(EVENTS)))
    answer = browser.http.get("/apps/blog/deployments/1/events", params={"after": said})
    assert "line 0" in answer.text and "line 499" in answer.text


def test_steps_and_the_status_come_along(browser: Browser) -> None:
    """A page moves its steps by them, also where the step's beginning was seen before."""
    shows(browser, Answer(lines=encoded(EVENTS)))
    *_, last, end = listen(browser, after="100")
    assert last.data["status"] is True
    assert [(step["name"], step["progress"], step["took"]) for step in last.data["steps"]] == [
        ("build", "done", "2.0 s")
    ]
    assert end.event == "end"


def test_a_hostile_line_is_a_line_and_no_message(browser: Browser) -> None:
    """Neither in the stream, where line breaks part messages, nor in the page, where it would be markup."""
    events = [Event(AT, EventKind.OUTPUT, "build", HOSTILE), Event(AT, EventKind.FAILED, "build", HOSTILE)]
    shows(browser, Answer(lines=encoded(events)))
    messages = listen(browser)
    assert [(one.event, one.id) for one in messages if one.event != "end"] == [("message", "2")]
    page = browser.http.get("/apps/blog/deployments/1").text
    assert "<script>alert" not in page
    assert html.escape("</div><script>alert(1)</script>") in page


def test_the_whole_log_is_a_text_file(browser: Browser) -> None:
    """As an attachment, whatever stands in it."""
    shows(browser, Answer(lines=encoded(EVENTS)))
    answer = browser.http.get("/apps/blog/deployments/1/log")
    assert answer.headers["content-disposition"] == 'attachment; filename="blog-deployment-1.log"'
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(answer.text.splitlines()) == len(EVENTS)


def test_a_page_without_scripts_looks_again_only_while_something_goes_on(browser: Browser) -> None:
    """It has the log so far."""
    shows(browser, Answer(lines=encoded(EVENTS)), status=Status.BUILDING)
    assert 'http-equiv="refresh"' in browser.http.get("/apps/blog/deployments/1").text
    browser.becomes(Role.OWNER)
    shows(browser, Answer(lines=encoded(EVENTS)))
    page = browser.http.get("/apps/blog/deployments/1").text
    assert 'http-equiv="refresh"' not in page and "data-follow" not in page and "line 499" in page


def test_a_cancel_that_is_too_late_says_so_on_the_page(browser: Browser) -> None:
    """With the agent's reason."""
    shows(browser, Answer(lines=encoded(EVENTS)))
    browser.agent.refuses(
        "POST", "/apps/blog/deployments/1/cancel", NotCancellable("It cannot be cancelled.", why="It has ended.")
    )
    answer = browser.send("/apps/blog/deployments/1/cancel")
    assert answer.status_code == 409 and "It has ended." in answer.text and "line 499" in answer.text


# Sending


def upload(browser: Browser, content: Iterator[bytes] | bytes, **headers: str) -> Any:
    known = {"x-csrftoken": browser.token, "Origin": ADDRESS, "Content-Type": "application/octet-stream"}
    path = "/apps/blog/deployments/upload"
    return browser.http.post(
        path, params={"source": "C:\\x\\<b>.tar.gz"}, content=content, headers={**known, **headers}
    )


def test_an_archive_is_sent_on_while_it_comes(browser: Browser) -> None:
    """The agent has the first piece before the browser sends the last: nothing is held, in memory or on disk."""
    arrived = threading.Event()

    def take(stream: BinaryIO) -> None:
        while size := int(stream.readline(), 16):
            stream.read(size)
            arrived.set()
            stream.readline()
        stream.readline()

    def pieces() -> Iterator[bytes]:
        yield b"first"
        assert arrived.wait(10), "the first piece was held back"
        for _ in range(64):
            yield bytes(1024 * 1024)

    browser.agent.adds("POST", "/apps/blog/releases", Answer(201, msgspec.json.encode(RELEASE), reads=take))
    browser.agent.says("POST", "/apps/blog/deployments", deployment(7, Status.QUEUED), status=202)
    answer = upload(browser, pieces(), **{"Content-Length": str(64 * 1024 * 1024 + 5)})
    assert (answer.status_code, answer.json()) == (201, {"to": "/apps/blog/deployments/7"})
    sent = next(asked for asked in browser.agent.asked if asked.path == "/apps/blog/releases")
    assert sent.query == {"source": "<b>.tar.gz"}
    assert {name.lower(): value for name, value in sent.headers.items()}["potions-packed-bytes"] == str(64 * 2**20 + 5)


def test_an_agent_that_does_not_read_holds_the_browser_up(browser: Browser) -> None:
    """What it does not take stays with the browser, and fills no memory here."""
    go_on, sent = threading.Event(), 0

    def take(stream: BinaryIO) -> None:
        go_on.wait(20)
        while size := int(stream.readline(), 16):
            stream.read(size)
            stream.readline()
        stream.readline()

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1024 * 1024
            yield bytes(1024 * 1024)

    browser.agent.adds("POST", "/apps/blog/releases", Answer(201, msgspec.json.encode(RELEASE), reads=take))
    browser.agent.says("POST", "/apps/blog/deployments", deployment(7, Status.QUEUED), status=202)
    token = browser.token
    assert token
    sending = threading.Thread(target=upload, args=(browser, pieces()))
    sending.start()
    before = -1
    # It stands still once every buffer on the way is full.
    while before != sent:
        before = sent
        sending.join(0.5)
    assert sent < 16 * 1024 * 1024
    go_on.set()
    sending.join(20)
    assert sent == 64 * 1024 * 1024


def test_a_file_that_is_refused_is_told_in_the_agents_words(browser: Browser) -> None:
    """Also where the agent does not even look at it: the browser is let finish, or it would see no answer."""
    problem = ReleaseRefused("The file is no archive.", why="By its first bytes.", do="Send another.")
    browser.agent.refuses("POST", "/apps/blog/releases", problem, unread=True)
    answer = upload(browser, (bytes(65536) for _ in range(200)))
    assert answer.status_code == problem.http_status
    told = answer.json()
    assert (told["what"], told["why"], told["do"]) == (problem.what, problem.why, problem.do)


def test_no_other_page_can_send_an_archive(browser: Browser) -> None:
    """Without the token of a page, and from elsewhere."""
    assert upload(browser, b"x", **{"x-csrftoken": "0" * 128}).status_code == 403
    assert upload(browser, b"x", Origin="http://blog.localhost:8480").status_code == 403
    assert "POST /apps/blog/releases" not in browser.agent.paths()
