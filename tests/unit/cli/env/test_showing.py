"""`potions env list`, `get` and `history` show what is live and who did what, and values only on request."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from potions.schema import Liveness, Variable, VariableAct, VariableEvent
from support.canned_agent import CannedAgent
from support.command import Run
from support.terminal import Terminal

PATH = "/apps/blog/variables"
LONG = "x" * 100_000
VARIABLES = [
    Variable("API_KEY", None, False, False, Liveness.SAVED),
    Variable("STORAGE_DIR", None, True, True, Liveness.LIVE),
    Variable("SECRET_KEY_BASE", None, True, False, Liveness.LIVE),
]


def test_list_shows_badges_and_what_is_not_live(run: Run, agent: CannedAgent) -> None:
    """Automatic, locked and not yet live variables can be told apart, and values stay hidden."""
    agent.says("GET", PATH, VARIABLES)
    outcome = run("env", "list", "blog")
    lines = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert "saved, not live" in lines["API_KEY"]
    assert "auto" not in lines["API_KEY"]
    assert "auto 🔒" in lines["STORAGE_DIR"]
    assert "auto" in lines["SECRET_KEY_BASE"]
    assert "🔒" not in lines["SECRET_KEY_BASE"]
    assert outcome.out.count("hidden") == 3
    assert outcome.out.endswith("Make them live: potions redeploy blog\n")


def test_list_reveals_on_request_only(run: Run, agent: CannedAgent) -> None:
    """`--reveal` asks the agent for the values, and shows them so that they do nothing to the terminal."""
    agent.says("GET", PATH, [Variable("A", "one\n\x1b[31mtwo [red]", False, False, Liveness.LIVE)])
    out = run("env", "list", "blog", "--reveal").out
    assert "one\\n\\x1b[31mtwo [red]" in out
    assert "redeploy" not in out
    assert agent.asked[0].query == {"reveal": "true"}


def test_list_without_variables(run: Run, agent: CannedAgent) -> None:
    """An empty list says how to set one."""
    agent.says("GET", PATH, [])
    assert "potions env set blog NAME" in run("env", "list", "blog").out


def test_list_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints what the API answered."""
    agent.says("GET", PATH, VARIABLES)
    assert msgspec.json.decode(run("env", "list", "blog", "--json").out, type=list[Variable]) == VARIABLES


def test_a_pipe_gets_whole_values_one_a_line(run: Run, agent: CannedAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long they are, and without filling up the other lines."""
    monkeypatch.delenv("COLUMNS")
    agent.says("GET", PATH, [Variable("A", LONG, False, False, Liveness.LIVE), VARIABLES[0]])
    lines = run("env", "list", "blog", "--reveal").out.splitlines()
    assert len(lines) == 4
    assert lines[1].split() == ["A", "live", LONG]
    assert lines[2].split() == ["API_KEY", "saved,", "not", "live", "hidden"]
    assert len(lines[2]) < 80


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 120])
def test_a_list_fits_its_terminal(run: Run, agent: CannedAgent, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """At any width names are whole, no line is wider, and a value that is cut says how it is seen whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    found = [*VARIABLES, Variable("TLS_KEY", LONG, False, False, Liveness.REMOVED)]
    agent.says("GET", PATH, found)
    out = run("env", "list", "blog", "--reveal").out
    table = out.partition("… is where")[0].splitlines()
    assert all(len(line) <= columns for line in table)
    assert len(table) < 20
    words = out.split()
    assert all(variable.name in words for variable in found)
    assert "potions env get blog NAME" in out


def test_an_empty_value_is_told_from_a_hidden_one(run: Run, agent: CannedAgent) -> None:
    """Nothing at all could be either."""
    agent.says("GET", PATH, [Variable("A", "", False, False, Liveness.LIVE)])
    assert run("env", "list", "blog", "--reveal").out.splitlines()[1].split() == ["A", "live", "empty"]


# One value


def test_get_prints_the_value_and_a_line_feed(run: Run, agent: CannedAgent) -> None:
    """Byte for byte, so that `env set` reads the same back."""
    value = "two\nlines\x1b[31m \t ünï \u2028\n"
    agent.says("GET", f"{PATH}/named/A", Variable("A", value, False, False, Liveness.LIVE))
    outcome = run("env", "get", "blog", "A")
    assert outcome.out == f"{value}\n"
    assert outcome.status == 0


def test_get_does_nothing_to_a_terminal(agent: CannedAgent, terminal: Terminal) -> None:
    """There lines stay lines, and other control characters are spelt out."""
    value = "-----BEGIN-----\n\x1b]0;title\x07"
    agent.says("GET", f"{PATH}/named/A", Variable("A", value, False, False, Liveness.LIVE))
    with terminal("env", "get", "blog", "A") as command:
        assert command.rest() == "-----BEGIN-----\n\\x1b]0;title\\x07\n"
        assert command.status() == 0


def test_get_asks_for_exactly_that_name(run: Run, agent: CannedAgent) -> None:
    """Whatever is typed stays one piece of the path."""
    run("env", "get", "blog", "../x")
    assert agent.asked[-1].path == f"{PATH}/named/%2E%2E%2Fx"


# The history

AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
EVENTS = [
    VariableEvent(AT, "ben", VariableAct.EXPORTED, seen=["A", "B"]),
    VariableEvent(AT, "ann", VariableAct.IMPORTED, added=["A"], changed=["B"], removed=["C"]),
    VariableEvent(AT, "ann", VariableAct.UNSET, removed=["D"]),
    VariableEvent(AT, "ann", VariableAct.CREATED, added=["E"]),
]


def test_the_history_says_when_who_what_and_which(run: Run, agent: CannedAgent) -> None:
    """The newest first, as it was answered."""
    agent.says("GET", f"{PATH}/history", EVENTS)
    rows = [line.strip().split(maxsplit=4) for line in run("env", "history", "blog").out.splitlines()[1:]]
    assert [row[2:] for row in rows] == [
        ["ben", "exported", "A, B"],
        ["ann", "imported", "added A; changed B; removed C"],
        ["ann", "unset", "D"],
        ["ann", "created", "E"],
    ]
    assert rows[0][0] == AT.astimezone().strftime("%Y-%m-%d")


def test_a_look_at_everything_stays_short_in_a_terminal(
    run: Run, agent: CannedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names a few and counts the others; a pipe gets all names."""
    names = [f"NAME_{number}" for number in range(40)]
    agent.says("GET", f"{PATH}/history", [VariableEvent(AT, "ann", VariableAct.REVEALED, seen=names)])
    assert "NAME_5 and 34 more" in " ".join(run("env", "history", "blog").out.split())
    monkeypatch.delenv("COLUMNS")
    assert ", ".join(names) in run("env", "history", "blog").out


def test_the_history_can_be_asked_for_one_variable(run: Run, agent: CannedAgent) -> None:
    """And for so many entries; where there is none, that is said."""
    agent.says("GET", f"{PATH}/history", [])
    outcome = run("env", "history", "blog", "API_KEY", "--limit", "5")
    assert agent.asked[-1].query == {"variable": "API_KEY", "limit": "5"}
    assert outcome.out == "Nothing is known about API_KEY of blog.\n"
    assert run("env", "history", "blog", "--json").out == "[]\n"
