"""`potions logs` prints what an app printed, and nothing it could do."""

from __future__ import annotations

import msgspec

from potions.schema import Colour, LogLine
from support.canned_agent import CannedAgent
from support.command import Run

LINES = [LogLine(Colour.BLUE, "old \x1b[31mred\x1b[0m [b]\r"), LogLine(Colour.GREEN, "\x1b]0;evil\x07new")]


def test_each_line_has_its_slot(run: Run, agent: CannedAgent) -> None:
    """Lines come as they are, without sequences, with their slot before them."""
    agent.streams("/apps/blog/logs", LINES)
    outcome = run("logs", "blog", "--lines", "5", "--slot", "green")
    assert (outcome.status, outcome.out) == (0, "blue  old red [b]\ngreen new\n")
    assert agent.asked[0].query == {"follow": "false", "lines": "5", "slot": "green"}


def test_lines_in_json_are_the_apps_own(run: Run, agent: CannedAgent) -> None:
    """`--json` prints a JSON object a line, with the text unchanged."""
    agent.streams("/apps/blog/logs", LINES)
    out = run("logs", "blog", "--json").out
    assert [msgspec.json.decode(line, type=LogLine) for line in out.splitlines()] == LINES


def test_an_app_that_printed_nothing(run: Run, agent: CannedAgent) -> None:
    """Silence is said, on standard error."""
    agent.streams("/apps/blog/logs", [])
    outcome = run("logs", "blog")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "blog has printed nothing yet.\n")


def test_a_followed_log_that_ends_is_told(run: Run, agent: CannedAgent) -> None:
    """Following never ends quietly."""
    agent.streams("/apps/blog/logs", LINES)
    outcome = run("logs", "blog", "-f")
    assert outcome.status == 1
    assert "The log ended." in outcome.err
    assert agent.asked[0].query["follow"] == "true"


def test_a_log_that_breaks_is_told(run: Run, agent: CannedAgent) -> None:
    """A broken connection is an error after the lines that came."""
    agent.streams("/apps/blog/logs", LINES, broken=True)
    outcome = run("logs", "blog")
    assert outcome.status == 1
    assert outcome.out.count("\n") == 2
    assert "broke" in outcome.err


def test_only_lines_with_a_text(run: Run, agent: CannedAgent) -> None:
    """`--grep` is looked for where the logs are; that there is none is said in its own words."""
    agent.streams("/apps/blog/logs", LINES[:1])
    agent.streams("/apps/blog/logs", [])
    assert run("logs", "blog", "--grep", "Old [b]").out == "blue  old red [b]\n"
    assert agent.asked[0].query["contains"] == "Old [b]"
    assert run("logs", "blog", "--grep", "x").err == "blog has printed no such line that is kept.\n"


def test_lines_that_are_missing_are_told(run: Run, agent: CannedAgent) -> None:
    """Where they are missing, and not as a line of the app."""
    agent.streams(
        "/apps/blog/logs",
        [LogLine(Colour.BLUE, "", gap=True), LogLine(Colour.BLUE, "7 were dropped", gap=True), *LINES[:1]],
    )
    out = run("logs", "blog").out
    assert out.splitlines() == [
        "blue  lines may be missing here: the log was rotated away",
        "blue  7 were dropped",
        "blue  old red [b]",
    ]
