"""`potions init`: shows before it asks, asks before it writes, and never guesses a name."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from potions.manifest import parse_manifest
from support.command import Run, Spawn

FLASK = {"app.py": "app = Flask(__name__)\nSTORAGE_DIR\n", "requirements.txt": "flask\ngunicorn\n"}

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in FLASK.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def typed(spawn: Spawn) -> Typed:
    """Runs `potions init` where somebody types: ``typed("y\\n", project)`` gives its status and what it printed."""

    def run(text: str, *words: str) -> tuple[int, str, str]:
        ours, theirs = pty.openpty()
        try:
            with spawn("init", *words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                os.write(ours, text.encode())
                out, err = process.communicate(timeout=60)
            return process.returncode, out.decode(), err.decode()
        finally:
            os.close(ours)
            os.close(theirs)

    return run


def names(project: Path) -> set[str]:
    return set(os.listdir(project)) - set(FLASK)


def test_what_would_be_written_is_shown_and_asked_for(typed: Typed, project: Path) -> None:
    """Both files are shown line by line; after a yes they are there, and the next commands are named."""
    status, out, err = typed("y\n", str(project))
    assert (status, err) == (0, "Write potions.toml and .gitignore? [y/N] ")
    assert "Flask, told by flask in requirements.txt." in out
    for path in ("potions.toml", ".gitignore"):
        assert f"{path}, new:" in out
        assert all(f"  +{line}\n" in out for line in (project / path).read_text().splitlines())
    assert parse_manifest((project / "potions.toml").read_text()).app == "shop"
    assert "potions apps create shop\n" in out
    assert f"potions deploy {project}\n" in out


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "shop\n"])
def test_nothing_is_written_without_a_yes(typed: Typed, project: Path, answer: str) -> None:
    """Whatever else is typed, the project is as it was, and the exit status says so."""
    status, _, err = typed(answer, str(project))
    assert status == 2
    assert "was not confirmed; nothing was changed." in err
    assert names(project) == set()


def test_where_nobody_can_be_asked_it_shows_and_refuses(run: Run, project: Path) -> None:
    """A script has to say --yes."""
    outcome = run("init", str(project))
    assert outcome.status == 2
    assert "potions.toml, new:" in outcome.out
    assert "--yes" in outcome.err
    assert names(project) == set()


def test_yes_writes_without_a_question(run: Run, project: Path) -> None:
    """A second time there is nothing to do."""
    outcome = run("init", str(project), "--yes")
    assert (outcome.status, outcome.err) == (0, "")
    assert "Wrote potions.toml and .gitignore." in outcome.out
    before = {name: (project / name).stat().st_mtime_ns for name in names(project)}
    again = run("init", str(project))
    assert (again.status, again.err) == (0, "")
    assert "Nothing to change." in again.out
    assert {name: (project / name).stat().st_mtime_ns for name in names(project)} == before


def test_a_manifest_that_is_there_is_never_written(run: Run, project: Path) -> None:
    """Its app's name is taken, what it says otherwise is told, and only .gitignore is added to."""
    own = 'app = "other"\n[run]\nstart = "./serve"\n'
    (project / "potions.toml").write_text(own)
    outcome = run("init", str(project), "--yes", "--app", "shop")
    assert outcome.status == 0
    assert (project / "potions.toml").read_text() == own
    assert (project / ".gitignore").read_text() == "/storage\n"
    assert "potions.toml is there, and stays as it is." in outcome.out
    assert '[run] start is "./serve"; init would write' in " ".join(outcome.out.split())
    assert 'app is "other"; init would write "shop"' in outcome.out
    assert "potions apps create other" in run("init", str(project)).out


def test_all_of_it_comes_as_json(run: Run, project: Path) -> None:
    """Without --yes the plan alone; the same with `written` after it was done."""
    outcome = run("init", str(project), "--json")
    plan = json.loads(outcome.out)
    assert (outcome.status, outcome.err) == (0, "")
    assert (plan["app"], plan["framework"], plan["written"]) == ("shop", "Flask", False)
    assert [(file["path"], file["state"]) for file in plan["files"]] == [("potions.toml", "new"), (".gitignore", "new")]
    assert names(project) == set()
    done = run("init", str(project), "--json", "--yes")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == {**plan, "written": True}
    assert (project / "potions.toml").read_text() == plan["files"][0]["text"]


def test_a_directory_whose_name_cannot_be_an_apps_is_asked_about(typed: Typed, run: Run, project: Path) -> None:
    """A name is suggested and never simply taken; return agrees to it, and a bad answer is refused with the rule."""
    odd = project.rename(project.with_name("My Shop 2.0"))
    for words in ([], ["--yes"], ["--json"]):
        outcome = run("init", str(odd), *words)
        assert (outcome.status, outcome.out) == (2, "")
        assert "potions init --app my-shop-2-0" in outcome.err
    assert typed("My Shop\n", str(odd))[0] == 2
    assert names(odd) == set()
    status, _, err = typed("\ny\n", str(odd))
    assert status == 0
    assert "The app's name [my-shop-2-0]: " in err
    assert parse_manifest((odd / "potions.toml").read_text()).app == "my-shop-2-0"


def test_a_name_that_was_given_has_to_be_one(run: Run, project: Path) -> None:
    """It is refused with the rule, before anything is shown."""
    outcome = run("init", str(project), "--app", "My Shop", "--yes")
    assert (outcome.status, outcome.out) == (2, "")
    assert "lower-case" in outcome.err
    assert names(project) == set()


def test_what_cannot_be_found_out_is_said(run: Run, tmp_path: Path) -> None:
    """A project that nothing is known of gets comments, and the one thing that is left to do."""
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "main.zig").write_text("")
    outcome = run("init", str(folder), "--yes")
    assert outcome.status == 0
    assert "Something else." in outcome.out
    assert "[run] start" in outcome.out
    assert parse_manifest((folder / "potions.toml").read_text()).start is None


def test_a_stranger_cannot_write_on_the_terminal(run: Run, tmp_path: Path) -> None:
    """Names of files are shown without what a terminal would obey."""
    folder = tmp_path / "shop"
    (folder / "storage").mkdir(parents=True)
    (folder / "storage" / "\x1b]0;owned\x07\x1b[2J").write_text("")
    assert "\x1b" not in run("init", str(folder), "--yes").out


def test_the_page_fits_eighty_columns(run: Run, project: Path) -> None:
    """Notes are folded; only a line of code is as long as it is."""
    (project / "app.py").write_text("app = Flask(__name__)\n")
    out = run("init", str(project), "--yes").out
    assert [
        line for line in out.splitlines() if len(line) > 80 and "STORAGE_DIR" not in line and str(project) not in line
    ] == []
