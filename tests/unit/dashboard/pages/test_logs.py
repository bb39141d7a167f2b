"""The Logs tab over a real agent: the last lines, those that come, and where a browser goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psutil
import pytest

from potions.layout import AppTree, Colour
from support.browsers import Browser, Dashboard
from support.platform import wait_for

AT = "/apps/gallery/logs"


@pytest.fixture
def log(dashboard: Dashboard, tree: AppTree) -> Iterator[Path]:
    """What the live slot's web process prints to; one worker beside it has printed a line."""
    live = dashboard.doors.service.context.trees.live(tree)
    made = tree.output_log(live)
    worker = tree.worker_log(live, "mail")
    made.write_text("")
    worker.write_text("sent\n")
    yield made
    made.unlink()
    worker.unlink()


def print_more(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


class Event(NamedTuple):
    """One server-sent event."""

    kind: str
    identity: str
    data: Any


@contextmanager
def following(browser: Browser, query: str = "", **headers: str) -> Iterator[Iterator[Event]]:
    with browser.http.stream("GET", f"{AT}/live?{query}", headers=headers) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield _events(_lines(answer.iter_raw()))


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """As browsers know lines: at line feeds and carriage returns, and at nothing else that Unicode has."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        yield from (line.decode() for line in whole)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif not line and fields:
            yield Event(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
        elif line.startswith(":"):
            continue


def texts(event: Event) -> list[str]:
    return [line["text"] for line in event.data]


def after_of(browser: Browser, query: str = "") -> str:
    return browser.get(f"{AT}?{query}").text.partition('data-after="')[2].partition('"')[0]


def test_the_last_lines_stand_on_the_page_without_a_script(viewer: Browser, log: Path) -> None:
    """With slot and process as words, and whatever they hold as text."""
    print_more(log, *(f"line {number}" for number in range(300)), "\x1b[31m<b>red</b>\x1b[0m")
    page = viewer.get(AT).text
    assert "&lt;b&gt;red&lt;/b&gt;" in page and "\x1b" not in page
    assert "line 299" in page and ">line 100<" not in page and ">line 101<" in page
    assert ">mail<" in page and ">sent<" in page


def test_an_app_that_prints_nothing_has_a_page(viewer: Browser, tree: AppTree) -> None:
    """It says so."""
    assert "printed nothing that is kept" in viewer.text(AT)


def test_slot_process_and_words_are_chosen_by_a_plain_form(viewer: Browser, log: Path) -> None:
    """What was chosen stays in the form; what does not exist is told, and the form is there to choose anew."""
    print_more(log, "Hello one", "other")
    found = viewer.get(f"{AT}?slot=&process=web&contains=HELLO").text
    assert ">Hello one<" in found and ">other<" not in found and ">sent<" not in found
    assert 'value="HELLO"' in found and "<option selected>web</option>" in found
    wrong = viewer.get(f"{AT}?process=nobody")
    assert wrong.status_code == 404 and 'name="contains"' in wrong.text
    assert viewer.get(f"{AT}?slot=red").status_code == 400


def test_lines_come_live_and_are_gone_on_from_without_loss_or_repeat(viewer: Browser, log: Path) -> None:
    """First behind those of the page, then behind the last that a browser has seen."""
    print_more(log, "on the page")
    with following(viewer, f"after={quote(after_of(viewer))}") as events:
        print_more(log, "one", "two")
        first = next(events)
    assert texts(first)[:1] == ["one"]
    print_more(log, "three")
    seen = texts(first)
    with following(viewer, "after=outdated", **{"Last-Event-ID": first.identity}) as events:
        while seen[-1] != "three":
            seen += texts(next(events))
    assert seen == ["one", "two", "three"]


def test_an_empty_log_is_followed_from_its_first_line_on(viewer: Browser, tree: AppTree, log: Path) -> None:
    """A page without a line has no cursor, and misses none."""
    assert after_of(viewer, "process=web") == ""
    with following(viewer, "process=web") as events:
        print_more(log, "first")
        assert texts(next(events)) == ["first"]


@pytest.mark.parametrize("cursor", ["nonsense", "../../etc/passwd", "x" * 2000, "%0Aevent:%20x"])
def test_a_cursor_that_fits_nothing_begins_anew_and_says_so(viewer: Browser, log: Path, cursor: str) -> None:
    """A page that was left open for a week goes on by itself."""
    print_more(log, "one")
    with following(viewer, f"process=web&after={cursor}") as events:
        assert next(events).kind == "anew"
        assert texts(next(events)) == ["one"]


def test_what_keeps_lines_from_coming_is_told(viewer: Browser, log: Path) -> None:
    """As an event, so that a page can say it and try again."""
    with following(viewer, "process=nobody") as events:
        problem = next(events)
    assert problem.kind == "problem" and "nobody" in problem.data


def test_no_line_can_begin_an_event_of_its_own(viewer: Browser, log: Path) -> None:
    """Whatever line ends Unicode knows."""
    print_more(log, "a\rdata: x\u2028event: problem\x85id: 1\x0b\x0c")
    with following(viewer, "process=web") as events:
        event = next(events)
    assert event.kind == "message" and "event: problem" in "".join(texts(event))


def test_whoever_goes_away_is_followed_for_no_longer(dashboard: Dashboard, viewer: Browser, log: Path) -> None:
    """The agent's stream ends with the browser's: nobody holds its socket who follows nothing."""
    print_more(log, "one")
    with following(viewer) as events:
        next(events)
        during = connections(dashboard)
    wait_for(lambda: connections(dashboard) < during, "the dashboard lets go of the agent")


def connections(dashboard: Dashboard) -> int:
    """How many connections the agent has; agent and dashboard are this process here."""
    agent = str(dashboard.place.agent)
    return sum(one.laddr == agent for one in psutil.Process().net_connections("unix"))


def test_the_whole_log_is_a_file(viewer: Browser, log: Path) -> None:
    """As it was printed, and saved under a name that says whose it is."""
    print_more(log, "one", "\x1b[31mred")
    answer = viewer.get(f"{AT}/file?slot={log.name.partition('.')[0]}&process=web")
    assert answer.content == b"one\n\x1b[31mred\n"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="gallery-')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert set(Colour) == {"blue", "green"}
