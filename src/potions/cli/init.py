"""`potions init`: a project's `potions.toml`, and `/storage` in its `.gitignore`."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from potions.checkout import read_project, write_files
from potions.cli.confirm import confirm
from potions.cli.options import Yes
from potions.cli.screen import print_json, sanitise, say, stderr
from potions.errors import NameRefused, NotConfirmed, UsageRefused
from potions.names import parse_new_app_name
from potions.project.evidence import Project
from potions.project.setting_up import (
    FilePlan,
    FileState,
    Setup,
    app_of,
    changed_lines,
    plan_setup,
    suggested_name,
)

_WIDTH = 78

_Path = Annotated[Path, Parameter(name="PATH", help="The project's directory; this one.")]
_App = Annotated[str | None, Parameter(name="--app", help="The app's name; the directory's, where that can be one.")]
_Json = Annotated[bool, Parameter(name="--json", help="Print all of it as JSON, and write only with --yes.")]


def init(path: _Path = Path(), /, *, app: _App = None, yes: Yes = False, json: _Json = False) -> int:
    """Write potions.toml and .gitignore for the project here.

    Looks at the project's files, runs none of them, and shows what it would
    write before it asks. It knows Phoenix, Django, FastAPI, Flask, Rails and
    Node, and leaves as a comment what it cannot find out. A potions.toml that
    is there is never changed.

    For example:

        potions init
        potions init ~/src/blog --app blog --yes
    """
    directory = path.resolve()
    project = read_project(directory)
    plan = plan_setup(project, _app_name(project, app, may_ask=not (yes or json)))
    if not json:
        _show(plan)
    elif not yes:
        print_json(plan)
        return 0
    if plan.changes:
        if not yes:
            _ask(plan)
        write_files(directory, plan.changes)
    if not json:
        _say_what_is_next(plan, path)
    else:
        print_json(msgspec.structs.replace(plan, written=bool(plan.changes)))
    return 0


def _app_name(project: Project, given: str | None, *, may_ask: bool) -> str:
    """The name that was given, that the manifest has, or that the directory has; a person decides about any other."""
    if given is not None:
        return parse_new_app_name(given)
    named = app_of(project)
    if named is not None:
        return named
    try:
        return parse_new_app_name(project.name)
    except NameRefused as refused:
        suggested = suggested_name(project.name)
        if may_ask and sys.stdin.isatty():
            return parse_new_app_name(_asked_name(refused, suggested))
        raise UsageRefused(
            "What is the app to be called?",
            why=f"{refused.what} {refused.why}",
            do=f"Say it: potions init --app {suggested or 'NAME'}",
        ) from None


def _asked_name(refused: NameRefused, suggested: str | None) -> str:
    say(f"{sanitise(refused.what)} {refused.why}", console=stderr())
    stderr().print(f"The app's name{f' [{suggested}]' if suggested else ''}: ", end="", soft_wrap=True)
    return sys.stdin.readline().strip() or suggested or ""


def _ask(plan: Setup) -> None:
    act = f"Writing {_names(plan.changes)}"
    if sys.stdin.isatty():
        confirm(f"Write {_names(plan.changes)}?", act)
    else:
        raise NotConfirmed(
            f"{act} was not confirmed; nothing was changed.",
            why="Standard input is not a terminal, so nobody can be asked.",
            do="Where it is meant, add: --yes",
        )


def _names(files: list[FilePlan]) -> str:
    return " and ".join(file.path for file in files)


# What is shown


def _show(plan: Setup) -> None:
    told_by = f", told by {', '.join(plan.evidence)}" if plan.evidence else ""
    say(sanitise(f"{plan.framework[0].upper()}{plan.framework[1:]}{told_by}."), "bold")
    for file in plan.files:
        _show_file(file, plan.differs)
    if plan.notes:
        say()
        say("Worth knowing:", "bold")
        for note in plan.notes:
            _show_note(note)


def _show_file(file: FilePlan, differs: tuple[str, ...]) -> None:
    say()
    if file.state is FileState.SAME:
        say(f"{file.path} ignores storage already.")
    elif file.state is FileState.KEPT:
        say(f"{file.path} is there, and stays as it is{'. What is different:' if differs else '.'}")
        for line in differs:
            _show_note(line)
    else:
        say(f"{file.path}, {file.state}:", "bold")
        for line in changed_lines(file):
            say(f"  {sanitise(line)}", "green" if line.startswith("+") else "dim")


def _show_note(note: str) -> None:
    text, _, code = note.partition("\n")
    lines = textwrap.wrap(sanitise(text), _WIDTH - 4, break_on_hyphens=False, break_long_words=False)
    for number, line in enumerate(lines):
        say(f"  {'-' if number == 0 else ' '} {line}")
    if code:
        say(f"      {sanitise(code)}")


def _say_what_is_next(plan: Setup, path: Path) -> None:
    say()
    say(f"Wrote {_names(plan.changes)}." if plan.changes else "Nothing to change.")
    if not plan.starts:
        say("Say how it is started before the first deploy: [run] start in potions.toml.", "bold")
    say("Next, with a Potions here (potions up) or on a server:")
    say(f"  potions apps create {plan.app}")
    if plan.deploy != ".":
        say("  MIX_ENV=prod mix release")
    named = "" if plan.named else f" --app {plan.app}"
    say(f"  potions deploy {sanitise(str(path / plan.deploy))}{named}")
