"""`potions env` shows what is live and what is not, and lets no value slip."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import msgspec
import pytest

from potions.schema import Liveness, Variable, VariablesChange, VariablesChanged
from support.canned_agent import CannedAgent
from support.command import Run, Spawn

PATH = "/apps/blog/variables"
ADDED = VariablesChanged(["API_KEY"], [], [], [])
VARIABLES = [
    Variable("API_KEY", None, False, False, Liveness.SAVED),
    Variable("STORAGE_DIR", None, True, True, Liveness.LIVE),
    Variable("SECRET_KEY_BASE", None, True, False, Liveness.LIVE),
]


def sent(agent: CannedAgent) -> VariablesChange:
    change = agent.asked[-1].decoded(VariablesChange)
    assert isinstance(change, VariablesChange)
    return change


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


# Setting


def test_values_in_the_command_arrive_byte_for_byte(run: Run, agent: CannedAgent) -> None:
    """Only the first `=` divides; quotes, dashes, commas and brackets are the value's own."""
    agent.says("PATCH", PATH, ADDED)
    words = ["A=b=c", "B=", 'C="quoted" $x %y #z', "D=-1", "E=--json", "F=[1,2]", "G= ä\n"]
    outcome = run("env", "set", "blog", *words)
    assert outcome.status == 0
    assert sent(agent).set == dict(word.split("=", 1) for word in words)
    assert "visible in `ps`" in outcome.err


def test_the_answer_says_how_to_make_it_live(run: Run, agent: CannedAgent) -> None:
    """Names are shown, values never, and the next command."""
    agent.says("PATCH", PATH, VariablesChanged(["A"], ["B"], ["C"], ["D"]))
    out = run("env", "set", "blog", "A=very-secret").out
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["added", "A"],
        ["changed", "B"],
        ["removed", "C"],
        ["unchanged", "D"],
    ]
    assert "potions redeploy blog" in out
    assert "very-secret" not in out


def test_nothing_changed_is_said(run: Run, agent: CannedAgent) -> None:
    """A value that was there already needs no deploy."""
    agent.says("PATCH", PATH, VariablesChanged([], [], [], ["A"]))
    assert "Nothing to change." in run("env", "set", "blog", "A=1").out


@pytest.mark.parametrize(
    ("piped", "value"),
    [(b"secret\n", "secret"), (b"secret", "secret"), (b"two\nlines\n\n", "two\nlines\n"), (b"\r\n", "\r"), (b"", "")],
)
def test_a_piped_value_loses_one_line_feed(run: Run, agent: CannedAgent, piped: bytes, value: str) -> None:
    """What comes in by a pipe is the value, but for the line feed that ends a file."""
    agent.says("PATCH", PATH, ADDED)
    outcome = run("env", "set", "blog", "API_KEY", stdin=piped)
    assert sent(agent).set == {"API_KEY": value}
    assert "visible" not in outcome.err


def test_a_typed_value_is_not_shown(agent: CannedAgent, spawn: Spawn) -> None:
    """In a terminal the value is asked for without echo."""
    agent.says("PATCH", PATH, ADDED)
    ours, theirs = pty.openpty()
    process = spawn("env", "set", "blog", "API_KEY", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen = b""
    while b"not shown" not in seen:
        seen += os.read(ours, 1000)
    os.write(ours, b"very-secret\n")
    while b"redeploy" not in seen:
        seen += os.read(ours, 1000)
    assert process.wait() == 0
    os.close(ours)
    assert b"very-secret" not in seen
    assert sent(agent).set == {"API_KEY": "very-secret"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["STORAGE_DIR=x"], "STORAGE_DIR is reserved"),
        (["PORT"], "PORT is reserved"),
        (["POTIONS_X=1"], "POTIONS_X is reserved"),
        (["A=1", "STORAGE_DIR=x"], "STORAGE_DIR is reserved"),
        (["1A=x"], "cannot be the name of a variable"),
        (["export A=x"], "cannot be the name of a variable"),
        (["=x"], "cannot be the name of a variable"),
        (["A=1", "A=2"], "A is there twice"),
        (["A", "B"], "standard input"),
        (["A=" + "x" * 102_401], "102,401 bytes"),
        ([], "Which variable?"),
    ],
)
def test_what_cannot_be_set_is_refused_before_anything_is_sent(
    run: Run, agent: CannedAgent, words: list[str], code: str
) -> None:
    """A refusal happens here, wholly, and without the value."""
    outcome = run("env", "set", "blog", *words)
    assert outcome.status == 2
    assert code in outcome.err
    assert agent.asked == []


def test_bytes_that_are_no_text_are_refused_unseen(run: Run, agent: CannedAgent) -> None:
    """A piped value that is no UTF-8 is refused without showing any of it."""
    outcome = run("env", "set", "blog", "API_KEY", stdin=b"secret\xff")
    assert outcome.status == 2
    assert "not valid UTF-8" in outcome.err
    assert "secret" not in outcome.err
    assert agent.asked == []


def test_unset_names_what_goes(run: Run, agent: CannedAgent) -> None:
    """Several variables go in one request."""
    agent.says("PATCH", PATH, VariablesChanged([], [], ["A", "B"], []))
    assert "removed   A, B" in run("env", "unset", "blog", "A", "B").out
    assert sent(agent) == VariablesChange(unset=["A", "B"])


@pytest.mark.parametrize("words", [["STORAGE_DIR"], ["A", "PORT"], []])
def test_unset_refuses_what_is_locked(run: Run, agent: CannedAgent, words: list[str]) -> None:
    """A locked variable is refused, and nothing else of the command is done."""
    assert run("env", "unset", "blog", *words).status == 2
    assert agent.asked == []


# Importing


def test_import_of_a_file(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """The file is sent as it is, and what it did is told by name."""
    (tmp_path / "env").write_text("A=1\n# ä\nB='two'\n")
    agent.says("PATCH", PATH, VariablesChanged(["A"], ["B"], [], []))
    outcome = run("env", "import", "blog", str(tmp_path / "env"))
    assert sent(agent) == VariablesChange(dotenv="A=1\n# ä\nB='two'\n")
    assert "added     A" in outcome.out
    assert "changed   B" in outcome.out


@pytest.mark.parametrize("words", [[], ["-"]])
def test_import_of_standard_input(run: Run, agent: CannedAgent, words: list[str]) -> None:
    """`-`, or no file, means standard input."""
    agent.says("PATCH", PATH, ADDED)
    assert run("env", "import", "blog", *words, stdin=b"A=1\n").status == 0
    assert sent(agent) == VariablesChange(dotenv="A=1\n")


@pytest.mark.parametrize(
    ("name", "words"), [("none", "No such file"), ("bytes", "not valid UTF-8"), (".", "directory")]
)
def test_import_of_what_is_no_file(run: Run, agent: CannedAgent, tmp_path: Path, name: str, words: str) -> None:
    """A file that cannot be read is told by its name."""
    (tmp_path / "bytes").write_bytes(b"A=\xff")
    outcome = run("env", "import", "blog", str(tmp_path / name))
    assert outcome.status == 2
    assert words in outcome.err
    assert agent.asked == []
