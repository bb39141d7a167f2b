"""The entry point: help, usage errors, exit statuses, and what happens when something breaks."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import msgspec
import pytest

from potions import __version__
from potions.cli.front import commands
from potions.cli.main import build
from potions.schema import Colour, ErrorBody, LogLine
from support import answers
from support.canned_agent import Answer, CannedAgent
from support.command import Run, Spawn

#: Commands that have commands below them.
GROUPED = {"apps", "domains", "env", "storage", "server", "users", "tokens"}


def test_the_front_page_lists_every_command(run: Run) -> None:
    """`potions --help` names each command that people type, and no other."""
    outcome = run("--help")
    assert outcome.status == 0
    for command in commands():
        assert (f"  {command.name} " in outcome.out) == (command.name != "agent")


def test_the_front_page_fits_eighty_columns_but_for_its_first_line(run: Run) -> None:
    """The page can be read in a small terminal."""
    assert max(len(line) for line in run("--help").out.splitlines()[1:]) <= 80


def test_the_front_page_does_not_wait_for_a_library() -> None:
    """Help is quick because nothing heavy is imported for it."""
    code = (
        "import sys; from potions.cli.main import main; main(['--help']); "
        "print(sorted({'cyclopts', 'rich', 'httpx', 'msgspec', 'inspect', 'asyncio'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert out.splitlines()[-1] == "[]"


def every_command() -> list[list[str]]:
    found: list[list[str]] = []
    for command in commands():
        if command.name in GROUPED:
            group = build()[command.name]
            found += [[command.name, name] for name in group if not name.startswith("-")]
        else:
            found.append([command.name])
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(run: Run, words: list[str]) -> None:
    """Each command's help shows how it is typed."""
    outcome = run(*words, "--help")
    assert outcome.status == 0
    assert re.search(rf"^ +(sudo )?potions {' '.join(words)}", outcome.out, re.MULTILINE)
    assert "[default:" not in outcome.out


@pytest.mark.parametrize("words", [words for words in every_command() if words != ["agent"]], ids=" ".join)
def test_every_command_can_answer_in_json(run: Run, words: list[str]) -> None:
    """Each command that answers takes `--json`."""
    assert "--json" in run(*words, "--help").out


def test_help_can_be_asked_for_as_a_command(run: Run) -> None:
    """`potions help` is the front page, `potions help apps create` that command's own."""
    assert run("help").out == run("--help").out
    assert run("help", "apps", "create").out == run("apps", "create", "--help").out


def test_summaries_on_the_front_page_are_the_commands_own() -> None:
    """The front page and a command's own help say the same."""
    for command in commands():
        module, _, name = command.target.partition(":")
        found = getattr(import_module(module), name)
        own = found.help if command.name in GROUPED else found.__doc__
        assert own.splitlines()[0].startswith(command.summary.rstrip("."))


def test_the_version(run: Run) -> None:
    """`--version` prints the version."""
    assert run("--version").out == f"{__version__}\n"


# What people mistype


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["depoy"], ["no command 'depoy'", "Did you mean deploy", "potions --help"]),
        (["xyzzy"], ["no command 'xyzzy'", "potions --help"]),
        (["apps", "list", "blog"], ["no use for: blog", "potions apps list --help"]),
        (["apps", "lst"], ['"lst"', 'Did you mean "list"', "potions apps --help"]),
        (["apps", "show"], ["APP", "potions apps show --help"]),
        (["log", "blog", "three"], ['"three"', "potions log --help"]),
        (["deploy", "--ap", "blog"], ["--app", "potions deploy --help"]),
        (["logs", "blog", "--slot", "red"], ["red", "blue", "green"]),
        (["apps", "show", "a", "b"], ["b", "potions apps show --help"]),
        (["apps", "show", "Blog"], ["'Blog' cannot be the name of an app", "lower-case"]),
    ],
    ids=" ".join,
)
def test_a_mistake_is_told_with_a_way_out(run: Run, argv: list[str], words: list[str]) -> None:
    """What cannot be understood ends with status 2, says what is meant perhaps, and asks nobody."""
    outcome = run(*argv)
    assert outcome.status == 2
    assert outcome.out == ""
    assert all(word in outcome.err for word in words), outcome.err


def test_a_mistake_in_json(run: Run) -> None:
    """With `--json` also an error of usage is the API's ErrorBody, and nothing else is printed."""
    outcome = run("apps", "show", "--json")
    body = msgspec.json.decode(outcome.err, type=ErrorBody)
    assert (outcome.status, outcome.out, body.code, body.exit_status) == (2, "", "usage", 2)


def test_json_after_two_dashes_is_no_option(run: Run) -> None:
    """Behind `--` everything is a word, so the error is for people."""
    assert run("apps", "show", "--", "--json").err.startswith("Error: ")


# What breaks


@pytest.mark.parametrize("argv", [["status"], ["apps", "list"], ["deployments", "blog"], ["env", "list", "blog"]])
def test_without_an_agent_every_command_says_how_to_start_it(run: Run, argv: list[str]) -> None:
    """An agent that does not run is told, with the command that starts it."""
    outcome = run(*argv)
    assert outcome.status == 1
    assert "Potions does not run here." in outcome.err
    assert "potions up" in outcome.err


def test_an_error_in_json_is_the_agents_body(run: Run, agent: CannedAgent) -> None:
    """A refusal reaches standard error as the agent sent it."""
    body = ErrorBody("moon-too-full", "What.", "Why.", "Do.", 7, True)
    agent.adds("GET", "/apps/blog", Answer(409, msgspec.json.encode(body)))
    outcome = run("apps", "show", "blog", "--json")
    assert outcome.status == 7
    assert outcome.out == ""
    assert msgspec.json.decode(outcome.err, type=ErrorBody) == body


def test_the_words_of_an_error_do_nothing_to_the_terminal(run: Run, agent: CannedAgent) -> None:
    """An error that quotes an app's output is as harmless as that output."""
    body = ErrorBody("app-exited", "It ended.", "last: \x1b]0;evil\x07[red]x[/red]\nsecond line")
    agent.adds("GET", "/apps/blog", Answer(400, msgspec.json.encode(body)))
    assert run("apps", "show", "blog").err == "Error: It ended.\nlast: [red]x[/red]\nsecond line\n"


def test_a_traceback_is_only_for_debugging(run: Run, agent: CannedAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of Potions itself is told as one; POTIONS_DEBUG=1 adds where it happened."""
    monkeypatch.setattr("webbrowser.open", _broken)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("DISPLAY", ":0")
    agent.says("GET", "/apps/blog", answers.detail())
    quiet = run("open", "blog")
    monkeypatch.setenv("POTIONS_DEBUG", "1")
    loud = run("open", "blog")
    assert (quiet.status, loud.status) == (1, 1)
    assert "POTIONS_DEBUG=1" in quiet.err
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err


def _broken(_: str) -> bool:
    raise RuntimeError("no such thing")


def test_a_reader_that_goes_away_is_no_error(agent: CannedAgent, spawn: Spawn) -> None:
    """`potions logs blog | head` ends quietly when head does."""
    agent.streams("/apps/blog/logs", [LogLine(Colour.BLUE, "x" * 1000)] * 2000)
    process = spawn("logs", "blog", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), err) == (141, b"")


def test_a_terminal_without_unicode_still_gets_its_lines(agent: CannedAgent, spawn: Spawn) -> None:
    """A letter that the encoding lacks is replaced, not an exception."""
    agent.streams("/apps/blog/logs", [LogLine(Colour.BLUE, "漢字")])
    process = spawn("logs", "blog", stdout=subprocess.PIPE, env_more={"PYTHONIOENCODING": "ascii"})
    out, _ = process.communicate()
    assert (process.returncode, out) == (0, b"blue  ??\n")


def test_colours_only_where_they_are_wanted(run: Run, agent: CannedAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe and with NO_COLOR there are none."""
    agent.says("GET", "/apps", [answers.summary()])
    assert "\x1b" not in run("apps", "list").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    from potions.cli import screen

    screen.stdout.cache_clear()
    assert "\x1b[32m" in run("apps", "list").out
    monkeypatch.setenv("NO_COLOR", "1")
    screen.stdout.cache_clear()
    assert "\x1b[32m" not in run("apps", "list").out
