"""From a project's files to its manifest: one golden file a kind of project."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path

import pytest

from potions.checkout import read_project
from potions.manifest import parse_manifest
from potions.names import APP_NAME_MAX, parse_app_name
from potions.project.evidence import Project
from potions.project.setting_up import MANIFESTS, FileState, Setup, changed_lines, plan_setup, suggested_name
from support.golden import check_golden, golden_cases

EXAMPLES = Path(__file__).parents[3] / "examples"


def project_of(text: str) -> Project:
    """A project with the files of the TOML table ``files``; ``shipped`` is what lies in its storage."""
    given = tomllib.loads(text)
    texts = given.get("files", {})
    return Project("shop", frozenset(texts), texts, tuple(given.get("shipped", ())))


def told(plan: Setup) -> str:
    """Everything that a person would be shown."""
    parts = [f"{plan.framework}: {', '.join(plan.evidence)}", f"starts: {plan.starts}, deploy: {plan.deploy}"]
    parts += [f"differs: {line}" for line in plan.differs]
    parts += [f"note: {note}" for note in plan.notes]
    parts += [f"{file.path} ({file.state})\n\n{file.text}" for file in plan.changes if file.path != ".gitignore"]
    return "\n".join(parts)


@pytest.mark.parametrize("case", golden_cases("project"))
def test_a_project_is_set_up_as_its_golden_file_says(case: str) -> None:
    """One file a kind of project."""
    check_golden("project", case, lambda text: told(plan_setup(project_of(text), "shop")))


@pytest.mark.parametrize("case", golden_cases("project"))
def test_every_manifest_that_is_written_is_taken(case: str) -> None:
    """What init writes would never be refused by a deploy, and names the app."""
    given = (Path(__file__).parents[2] / "golden" / "project" / f"{case}.txt").read_text().partition("\n---\n")[0]
    plan = plan_setup(project_of(given), "shop")
    written = next(file for file in plan.files if file.path.endswith("potions.toml"))
    if written.state is FileState.NEW:
        assert parse_manifest(written.text).app == "shop"
        assert max(len(line) for line in written.text.splitlines() if line.startswith("#")) <= 100


def test_what_could_break_out_of_the_file_does_not() -> None:
    """Names that a stranger's project brings stay within their comment or string."""
    hostile = 'x"""\\\n[env]\nSTORAGE_DIR = "/"\n#.js'
    package = '{"dependencies": {"express": "5"}, "scripts": {"start": "node \\"\\"\\" \\\\ \\u0007 \\n x"}, "main": 5}'
    texts = {"package.json": package, "Procfile": ""}
    project = Project("shop", frozenset({*texts, hostile}), texts, shipped=(f"storage/{hostile}", "storage/\udcff"))
    plan = plan_setup(project, "shop")
    manifest = parse_manifest(plan.files[0].text)
    assert (manifest.start, manifest.env) == ("npm start", {"NODE_ENV": "production"})
    assert "\n[env]\nSTORAGE_DIR" not in plan.files[0].text


@pytest.mark.parametrize("main", ['"; rm -rf /; "', "$(reboot).js", "a b.js", "ä'.js"])
def test_a_file_that_is_started_is_one_word(main: str) -> None:
    """Whatever a package calls its main file, the shell takes it for a name."""
    texts = {"package.json": json.dumps({"main": main})}
    plan = plan_setup(Project("shop", frozenset({*texts, main}), texts), "shop")
    start = parse_manifest(plan.files[0].text).start
    assert start is not None and shlex.split(start) == ["node", main]


def test_a_manifest_that_is_there_is_kept_and_compared() -> None:
    """Only what a new one would say otherwise is told; spaces and order are no difference."""
    own = 'app = "other"\n[run]\nstart = "node   server.js"\n[health]\npath = "/live"\n[env]\nNODE_ENV = "test"\n'
    texts = {"package.json": '{"dependencies": {"express": "5"}}', "server.js": 'get("/up")', "potions.toml": own}
    plan = plan_setup(Project("shop", frozenset(texts), texts), "other")
    manifest, gitignore = plan.files
    assert (manifest.path, manifest.state, manifest.text) == ("potions.toml", FileState.KEPT, own)
    assert plan.changes == [gitignore]
    assert plan.starts
    assert plan.differs == (
        '[build] command is not set; init would write "npm install --omit=dev"',
        '[health] path is "/live"; init would write "/up"',
        '[env] NODE_ENV is "test"; init would write "production"',
    )


def test_a_manifest_with_a_mistake_is_kept_and_told() -> None:
    """It is a person's file, so it is theirs to mend."""
    texts = {"potions.toml": "[run]\nstrat = 'x'\n", ".gitignore": "storage/\n"}
    plan = plan_setup(Project("shop", frozenset(texts), texts), "shop")
    assert (plan.changes, plan.starts) == ([], False)
    assert "unknown key [run] strat" in plan.differs[0]


@pytest.mark.parametrize("name", ["django", "fastapi", "flask", "express", "rails", "phoenix"])
def test_the_examples_have_the_manifest_that_init_writes(name: str) -> None:
    """What the guides show is what a reader gets."""
    seen = read_project(EXAMPLES / name)
    project = Project(seen.name, seen.files - set(MANIFESTS), seen.texts)
    plan = plan_setup(project, "pictures")
    assert plan.files[0].text == (EXAMPLES / name / plan.files[0].path).read_text()
    assert plan.files[1].state is FileState.SAME
    assert not [note for note in plan.notes if "STORAGE_DIR" in note]


@pytest.mark.parametrize(
    ("directory", "suggested"),
    [
        ("My Shop", "my-shop"),
        ("blog_v2.0", "blog-v2-0"),
        ("--2024 photos--", "photos"),
        ("Ärger", "rger"),
        ("日本", None),
        ("1234", None),
        ("x" * 60, "x" * APP_NAME_MAX),
        ("a" * 39 + "-b", "a" * 39),
    ],
)
def test_a_name_is_suggested_where_something_of_it_is_left(directory: str, suggested: str | None) -> None:
    """What is suggested can be an app's name."""
    assert suggested_name(directory) == suggested
    assert suggested is None or parse_app_name(suggested) == suggested


def test_a_changed_file_is_shown_by_its_difference() -> None:
    """A person sees what would be added, and the lines before it."""
    texts = {".gitignore": "a\nb\nc\n", "main.py": ""}
    plan = plan_setup(Project("shop", frozenset(texts), texts), "shop")
    assert changed_lines(plan.files[1]) == [" b", " c", "+/storage"]
