"""`potions env set` and `unset` say by name what they did, and let no value slip."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from potions.schema import VariablesChange, VariablesChanged
from support.canned_agent import CannedAgent
from support.command import Run, Spawn

PATH = "/apps/blog/variables"
ADDED = VariablesChanged(["API_KEY"], [], [], [])


def sent(agent: CannedAgent) -> VariablesChange:
    change = agent.asked[-1].decoded(VariablesChange)
    assert isinstance(change, VariablesChange)
    return change


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
    [(b"secret\n", "secret"), (b"secret", "secret"), (b"two\nlines\n\n", "two\nlines\n"), (b"\r\n", "\r")],
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


@pytest.mark.parametrize("piped", [b"", b"\n"])
def test_nothing_on_standard_input_is_no_empty_value(run: Run, agent: CannedAgent, piped: bytes) -> None:
    """An unset shell variable or a missing file does not wipe a secret; who means it is told how to say so."""
    outcome = run("env", "set", "blog", "API_KEY", stdin=piped)
    assert outcome.status == 2
    assert "Standard input is empty." in outcome.err
    assert "potions env set blog API_KEY=" in outcome.err
    assert agent.asked == []


def test_a_closed_standard_input_is_an_empty_one(agent: CannedAgent, spawn: Spawn) -> None:
    """Some of what starts programs closes it."""
    process = spawn("env", "set", "blog", "API_KEY", stdin=None, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(0))
    _, err = process.communicate()
    assert process.returncode == 2
    assert b"Standard input is empty." in err


def test_an_empty_value_that_is_meant_is_set(run: Run, agent: CannedAgent) -> None:
    """`NAME=` says it, and there is nothing in it that `ps` could show."""
    agent.says("PATCH", PATH, ADDED)
    outcome = run("env", "set", "blog", "API_KEY=")
    assert sent(agent).set == {"API_KEY": ""}
    assert "visible" not in outcome.err


def test_many_names_are_folded_between_names(run: Run, agent: CannedAgent) -> None:
    """In a terminal they stand below one another, and none is broken."""
    names = [f"A_RATHER_LONG_NAME_{number}" for number in range(20)]
    agent.says("PATCH", PATH, VariablesChanged([], [], names, []))
    lines = run("env", "unset", "blog", *names).out.splitlines()[:-1]
    assert len(lines) > 5
    assert all(len(line) <= 80 for line in lines)
    assert [line[:10].strip() for line in lines] == ["removed", *[""] * (len(lines) - 1)]
    assert " ".join(line[10:] for line in lines).split(", ") == names


def test_a_pipe_gets_one_line_a_word(run: Run, agent: CannedAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a script finds all names behind what happened to them."""
    monkeypatch.delenv("COLUMNS")
    names = [f"A_RATHER_LONG_NAME_{number}" for number in range(20)]
    agent.says("PATCH", PATH, VariablesChanged([], [], names, []))
    assert run("env", "unset", "blog", *names).out.splitlines()[0] == f"removed   {', '.join(names)}"


@pytest.mark.parametrize("word", ["hunter2-and-more", "c2VjcmV0/c2VjcmV0Cg==", "two words"])
def test_a_value_whose_name_was_forgotten_is_not_shown(run: Run, agent: CannedAgent, word: str) -> None:
    """An error is copied into tickets and chats."""
    outcome = run("env", "set", "blog", word)
    assert outcome.status == 2
    assert word.rstrip("=") not in outcome.err
    assert "potions env set blog NAME" in outcome.err
    assert agent.asked == []
