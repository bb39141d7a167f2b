"""`potions env import` and `export`: the variables of an app from a ``.env`` file, and as one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from potions.cli.confirm import confirm
from potions.cli.connection import connect
from potions.cli.env.changing import read_text, say_names, say_next, tell
from potions.cli.options import AppWord, Json, Yes
from potions.cli.screen import print_json, say, stderr, stdout, write_out
from potions.errors import DotenvBroken, NotConfirmed, UsageRefused
from potions.names import parse_app_name
from potions.private_file import refuse_taken, write_private
from potions.schema import DotenvText, VariablesChange, VariablesChanged

if TYPE_CHECKING:
    from potions.client import Client

_STDIN = _STDOUT = "-"
_File = Annotated[
    str, Parameter(name="FILE", help="A .env file; - or nothing: standard input.", allow_leading_hyphen=True)
]
_Output = Annotated[
    str,
    Parameter(
        name=["--output", "-o"],
        help="A file to write, for you alone (mode 0600); - or nothing: standard output.",
        allow_leading_hyphen=True,
    ),
]


def import_variables(
    app: AppWord,
    file: _File = _STDIN,
    /,
    *,
    replace: Annotated[
        bool, Parameter(name="--replace", help="Remove your variables that are not in the file; automatic ones stay.")
    ] = False,
    dry_run: Annotated[bool, Parameter(name="--dry-run", help="Only show what would change.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Set every variable of a .env file; all of them, or none.

    In a terminal it shows the names of what would change, and asks. In a
    script it goes on without a question, unless --replace would remove
    something: that needs --yes.

    For example:

        potions env import blog .env
        potions env import blog .env --replace
        potions env import blog < .env
    """
    parse_app_name(app)
    change = VariablesChange(dotenv=_dotenv(file), replace=replace)
    with connect() as client:
        if dry_run:
            return _tell_plan(app, client.preview_variables(app, change), json=json)
        if not yes and (replace or sys.stdin.isatty()):
            return _import_after_preview(client, app, change, json=json)
        return tell(app, client.change_variables(app, change), json=json)


def export_variables(
    app: AppWord,
    /,
    *,
    output: _Output = _STDOUT,
    force: Annotated[bool, Parameter(name="--force", help="Replace the file if there is one.")] = False,
    everything: Annotated[
        bool, Parameter(name="--all", help="Also those that Potions made, such as SECRET_KEY_BASE.")
    ] = False,
    reveal: Annotated[bool, Parameter(name="--reveal", help="Also if standard output is a screen.")] = False,
    json: Json = False,
) -> int:
    """Write an app's variables as a .env file, with their values.

    Without the automatic ones, which another app has of its own; to move
    this app itself take --all. The history tells who exported what.

    For example:

        potions env export blog -o blog.env
        potions env export blog | potions env import blog2
        potions env export blog --all --reveal
    """
    parse_app_name(app)
    to_file = output != _STDOUT
    if to_file and json:
        raise UsageRefused("--json goes to standard output, and -o writes a .env file.", do="Leave one of them out.")
    if to_file:
        refuse_taken(Path(output), force=force)
    elif sys.stdout.isatty() and not reveal:
        raise UsageRefused(
            "The values would be shown on this screen.",
            do=f"Write them into a file: potions env export {app} -o FILE; or add: --reveal",
        )
    with connect() as client:
        found = client.export_variables(app, automatic=everything)
    _hand_over(found, Path(output) if to_file else None, force=force, json=json)
    if not found.names and not json:
        say(f"{app} has no variables of its own.", console=stderr())
    return 0


# Importing


def _import_after_preview(client: Client, app: str, change: VariablesChange, *, json: bool) -> int:
    """The version of the preview goes along: what is done is what was shown, or nothing."""
    preview = client.preview_variables(app, change)
    if preview.is_empty:
        return tell(app, preview, json=json)
    if sys.stdin.isatty():
        say(f"This would change the variables of {app}:", "bold", console=stderr())
        say_names(preview, kept=True, console=stderr())
        confirm("Change them?", f"The import into {app}")
    elif preview.removed:
        raise NotConfirmed(
            f"Removing {', '.join(preview.removed)} from {app} was not confirmed; nothing was changed.",
            why="Standard input is not a terminal, so nobody can be asked.",
            do="Where it is meant, add: --yes",
        )
    changed = client.change_variables(app, msgspec.structs.replace(change, version=preview.version))
    if json or not sys.stdin.isatty():
        return tell(app, changed, json=json)
    say_next(app, changed)
    return 0


def _tell_plan(app: str, preview: VariablesChanged, *, json: bool) -> int:
    if json:
        print_json(preview)
        return 0
    say_names(preview, kept=True, console=stdout())
    if preview.is_empty:
        say_next(app, preview)
    else:
        say("Nothing was changed: this is what would be done.")
    return 0


def _dotenv(file: str) -> str:
    if file == _STDIN:
        if sys.stdin.isatty():
            say("Type NAME=VALUE lines; end with Ctrl-D.", console=stderr())
        return read_text("Standard input")
    try:
        return Path(file).read_bytes().decode()
    except UnicodeDecodeError:
        raise DotenvBroken(f"{file} is not valid UTF-8.", do="Save it as UTF-8.") from None
    except OSError as error:
        raise DotenvBroken(f"{file} cannot be read.", why=error.strerror or str(error)) from error


# Exporting


def _hand_over(found: DotenvText, path: Path | None, *, force: bool, json: bool) -> None:
    if path is not None:
        write_private(path, found.text.encode(), force=force)
        count = len(found.names)
        say(f"{count} {'variable is' if count == 1 else 'variables are'} in {path}, which only you can read.")
    elif json:
        print_json(found)
    else:
        write_out(found.text)
        _warn_of_readers()


def _warn_of_readers() -> None:
    """A shell makes the file behind `>` for everybody to read."""
    try:
        about = os.fstat(sys.stdout.fileno())
    except OSError:
        return
    if stat.S_ISREG(about.st_mode) and about.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        say("Others on this computer can read that file; with -o FILE only you can.", "yellow", console=stderr())
