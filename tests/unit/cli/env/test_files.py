"""`potions env import` shows and asks before it changes, and `export` shows no value where nobody asked for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from potions.errors import PreviewOutdated
from potions.schema import DotenvText, VariablesChange, VariablesChanged
from support.canned_agent import CannedAgent
from support.command import Run, Spawn
from support.terminal import Terminal

PATH = "/apps/blog/variables"
PREVIEW = f"{PATH}/preview"
ADDED = VariablesChanged(["API_KEY"], [], [], [])
PLAN = VariablesChanged(["A"], ["B"], ["C"], ["D"], ["PHX_HOST", "PORT"], "v1")
NO_LOSS = VariablesChanged(["A"], ["B"], [], ["D"], ["PHX_HOST", "PORT"], "v1")
NOTHING = VariablesChanged([], [], [], ["A"], ["PORT"], "v1")


def sent(agent: CannedAgent) -> VariablesChange:
    change = agent.asked[-1].decoded(VariablesChange)
    assert isinstance(change, VariablesChange)
    return change


@pytest.fixture
def dotenv(tmp_path: Path) -> str:
    path = tmp_path / "env"
    path.write_text("A=hush\n# ä\nB='two'\n")
    return str(path)


# Importing where nobody can be asked


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


def test_a_dry_run_tells_and_does_nothing(run: Run, agent: CannedAgent, dotenv: str) -> None:
    """What would be done, by name, with what is left alone."""
    agent.says("POST", PREVIEW, PLAN)
    outcome = run("env", "import", "blog", dotenv, "--replace", "--dry-run")
    assert [line.split(maxsplit=1) for line in outcome.out.splitlines()[:5]] == [
        ["added", "A"],
        ["changed", "B"],
        ["removed", "C"],
        ["unchanged", "D"],
        ["kept", "PHX_HOST, PORT"],
    ]
    assert "Nothing was changed" in outcome.out
    assert sent(agent).replace
    assert agent.paths() == [f"POST {PREVIEW}"]
    assert (
        msgspec.json.decode(run("env", "import", "blog", dotenv, "--dry-run", "--json").out, type=VariablesChanged)
        == PLAN
    )


def test_a_script_that_removes_has_to_say_yes(run: Run, agent: CannedAgent, dotenv: str) -> None:
    """Without it nothing is done, and what would go is named; with it nothing is asked."""
    agent.says("POST", PREVIEW, PLAN)
    agent.says("PATCH", PATH, PLAN)
    outcome = run("env", "import", "blog", dotenv, "--replace")
    assert outcome.status == 2
    assert "Removing C from blog was not confirmed" in outcome.err
    assert "--yes" in outcome.err
    assert agent.paths() == [f"POST {PREVIEW}"]
    assert run("env", "import", "blog", dotenv, "--replace", "--yes").status == 0
    assert agent.paths()[1:] == [f"PATCH {PATH}"]


def test_a_script_that_removes_nothing_goes_on(run: Run, agent: CannedAgent, dotenv: str) -> None:
    """It does what the preview saw: its version goes along."""
    agent.says("POST", PREVIEW, NO_LOSS)
    agent.says("PATCH", PATH, NO_LOSS)
    outcome = run("env", "import", "blog", dotenv, "--replace")
    assert (outcome.status, outcome.err) == (0, "")
    assert "added     A" in outcome.out
    assert (sent(agent).version, sent(agent).replace) == ("v1", True)


def test_a_file_without_a_variable_is_told_from_one_that_changes_nothing(run: Run, agent: CannedAgent) -> None:
    """Whoever piped the wrong thing in sees it."""
    agent.says("PATCH", PATH, VariablesChanged([], [], [], [], ["PORT"]))
    assert run("env", "import", "blog").out == "Nothing to change: no variable was named.\n"


# Importing in a terminal


def test_a_terminal_is_shown_what_would_change_and_asked(agent: CannedAgent, terminal: Terminal, dotenv: str) -> None:
    """Names and no values; after a yes exactly that is done."""
    agent.says("POST", PREVIEW, PLAN)
    agent.says("PATCH", PATH, PLAN)
    with terminal("env", "import", "blog", dotenv, "--replace") as command:
        shown = command.until("[y/N]")
        assert agent.paths() == [f"POST {PREVIEW}"]
        command.type("y\n")
        rest = command.rest()
        assert command.status() == 0
    for line in ("added     A", "changed   B", "removed   C", "unchanged D", "kept      PHX_HOST, PORT"):
        assert line in shown
    assert "potions redeploy blog" in rest
    assert "hush" not in shown + rest
    assert sent(agent).version == "v1"


@pytest.mark.parametrize("answer", ["n\n", "\n", "yep\n", "\x04"])
def test_anything_but_a_yes_changes_nothing(agent: CannedAgent, terminal: Terminal, dotenv: str, answer: str) -> None:
    """Also no answer at all."""
    agent.says("POST", PREVIEW, PLAN)
    with terminal("env", "import", "blog", dotenv) as command:
        command.until("[y/N]")
        command.type(answer)
        assert "nothing was changed" in command.rest()
        assert command.status() == 2
    assert agent.paths() == [f"POST {PREVIEW}"]


def test_a_change_since_the_preview_is_told(agent: CannedAgent, terminal: Terminal, dotenv: str) -> None:
    """The agent refuses, and the command says so."""
    agent.says("POST", PREVIEW, PLAN)
    agent.refuses("PATCH", PATH, PreviewOutdated("blog"))
    with terminal("env", "import", "blog", dotenv) as command:
        command.until("[y/N]")
        command.type("yes\n")
        assert "changed since the preview" in command.rest()
        assert command.status() == 1


def test_nothing_to_change_needs_no_answer(agent: CannedAgent, terminal: Terminal, dotenv: str) -> None:
    """It is said, and nothing is asked."""
    agent.says("POST", PREVIEW, NOTHING)
    with terminal("env", "import", "blog", dotenv) as command:
        assert "Nothing to change." in command.rest()
        assert command.status() == 0


def test_lines_that_are_typed_are_asked_about_too(agent: CannedAgent, terminal: Terminal) -> None:
    """The end of what is typed is not the end of the terminal."""
    agent.says("POST", PREVIEW, PLAN)
    agent.says("PATCH", PATH, PLAN)
    with terminal("env", "import", "blog") as command:
        command.until("Ctrl-D")
        command.type("A=typed\n\x04")
        command.until("[y/N]")
        command.type("y\n")
        command.rest()
        assert command.status() == 0
    assert sent(agent).dotenv == "A=typed\n"


def test_yes_asks_nothing_in_a_terminal(agent: CannedAgent, terminal: Terminal, dotenv: str) -> None:
    """Nor is there a preview."""
    agent.says("PATCH", PATH, PLAN)
    with terminal("env", "import", "blog", dotenv, "--yes") as command:
        assert "removed   C" in command.rest()
    assert agent.paths() == [f"PATCH {PATH}"]


# Exporting

EXPORT = f"{PATH}/export"
TEXT = DotenvText("# ä\nA='hush\x1b \n'\n", ["A"], ["PHX_HOST", "STORAGE_DIR", "PORT"])


def test_an_export_goes_to_a_pipe_byte_for_byte(run: Run, agent: CannedAgent) -> None:
    """Without the automatic ones, unless they are asked for."""
    agent.says("GET", EXPORT, TEXT)
    outcome = run("env", "export", "blog")
    assert (outcome.out, outcome.err, outcome.status) == (TEXT.text, "", 0)
    assert agent.asked[-1].query == {"automatic": "false"}
    run("env", "export", "blog", "--all", "-o", "-")
    assert agent.asked[-1].query == {"automatic": "true"}


def test_an_export_to_a_file_is_for_its_user_alone(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """No value is printed."""
    agent.says("GET", EXPORT, TEXT)
    path = tmp_path / "blog.env"
    outcome = run("env", "export", "blog", "-o", str(path))
    assert outcome.out == f"1 variable is in {path}, which only you can read.\n"
    assert path.read_bytes().decode() == TEXT.text
    assert path.stat().st_mode & 0o7777 == 0o600


def test_a_file_that_is_there_is_refused_before_anybody_asks(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """So that no export stands in the history that was none."""
    path = tmp_path / "blog.env"
    path.write_text("kept")
    outcome = run("env", "export", "blog", "-o", str(path))
    assert outcome.status == 1
    assert "is there already" in outcome.err
    assert path.read_text() == "kept"
    assert agent.asked == []
    agent.says("GET", EXPORT, TEXT)
    assert run("env", "export", "blog", "-o", str(path), "--force").status == 0
    assert path.read_text() == TEXT.text


def test_a_screen_shows_values_only_on_request(agent: CannedAgent, terminal: Terminal) -> None:
    """`--reveal` is that request, as in a list; then nothing is done to the terminal."""
    agent.says("GET", EXPORT, TEXT)
    with terminal("env", "export", "blog") as command:
        assert "-o FILE" in command.rest()
        assert command.status() == 2
    assert agent.asked == []
    with terminal("env", "export", "blog", "--reveal") as command:
        assert "A='hush\\x1b \n'" in command.rest()
        assert command.status() == 0


def test_a_file_that_others_can_read_is_told(agent: CannedAgent, spawn: Spawn, tmp_path: Path) -> None:
    """The shell made it, and the command says what is better."""
    agent.says("GET", EXPORT, TEXT)
    for mode, told in ((0o644, True), (0o600, False)):
        path = tmp_path / f"{mode:o}"
        path.touch()
        path.chmod(mode)
        with path.open("wb") as file:
            _, err = spawn("env", "export", "blog", stdout=file, stderr=subprocess.PIPE).communicate()
        assert (b"Others on this computer" in err) == told
        assert path.read_bytes().decode() == TEXT.text


def test_an_empty_export_is_said(run: Run, agent: CannedAgent) -> None:
    """Beside the file, which is still one that an import reads."""
    agent.says("GET", EXPORT, DotenvText("# nothing\n", [], ["PHX_HOST"]))
    outcome = run("env", "export", "blog")
    assert outcome.out == "# nothing\n"
    assert outcome.err == "blog has no variables of its own.\n"


def test_json_is_the_answer_and_no_file(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """Both at once cannot be meant."""
    agent.says("GET", EXPORT, TEXT)
    assert msgspec.json.decode(run("env", "export", "blog", "--json").out, type=DotenvText) == TEXT
    assert run("env", "export", "blog", "--json", "-o", str(tmp_path / "x")).status == 2
    assert os.listdir(tmp_path) == ["h"]
