"""`potions env set` and `unset`, and how a change is told."""

from __future__ import annotations

import getpass
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from potions.cli.connection import connect
from potions.cli.options import AppWord, Json
from potions.cli.screen import print_json, sanitise, say, stderr, stdout, width
from potions.errors import NameRefused, UsageRefused, VariableRefused
from potions.names import parse_app_name, parse_env_name, parse_env_value
from potions.schema import VariablesChange, VariablesChanged

if TYPE_CHECKING:
    from rich.console import Console

_WORD = 10
"""Columns for the word that says what happened."""
_NARROWEST = 20


def set_variables(
    app: AppWord,
    /,
    *variables: Annotated[str, Parameter(name="NAME[=VALUE]", help="Without =VALUE the value is asked for, or read.")],
    json: Json = False,
) -> int:
    """Set variables. They are live after the next deploy.

    With NAME alone the value is asked for without showing it, or read from
    standard input; what stands in the command itself others can see in `ps`
    and in the shell's history. An empty value has to be meant: NAME=

    For example:

        potions env set blog FEATURE_X=on
        potions env set blog API_KEY
        potions env set blog API_KEY < key.txt
    """
    parse_app_name(app)
    if not variables:
        raise UsageRefused("Which variable?", do=f"potions env set {app} NAME, or NAME=VALUE")
    values = _values(app, list(variables))
    with connect() as client:
        changed = client.change_variables(app, VariablesChange(set=values))
    if not json and any(variable.partition("=")[2] for variable in variables):
        say("A value in a command is visible in `ps` and the shell's history; NAME alone asks.", console=stderr())
    return tell(app, changed, json=json)


def unset_variables(
    app: AppWord, /, *names: Annotated[str, Parameter(name="NAME", help="One or several.")], json: Json = False
) -> int:
    """Remove variables. They are gone after the next deploy.

    For example:

        potions env unset blog FEATURE_X
    """
    if not names:
        raise UsageRefused("Which variable?", do=f"potions env unset {app} NAME")
    unset = [str(parse_env_name(name)) for name in names]
    with connect() as client:
        changed = client.change_variables(app, VariablesChange(unset=unset))
    return tell(app, changed, json=json)


def tell(app: str, changed: VariablesChanged, *, json: bool) -> int:
    """Print what a change did, and how it becomes live."""
    if json:
        print_json(changed)
        return 0
    say_names(changed)
    say_next(app, changed)
    return 0


def say_names(changed: VariablesChanged, *, kept: bool = False, console: Console | None = None) -> None:
    """Print the names, a line for each thing that happens to them; in a terminal below one another."""
    room = width(console)
    for word, names in (
        ("added", changed.added),
        ("changed", changed.changed),
        ("removed", changed.removed),
        ("unchanged", changed.unchanged),
        ("kept", changed.kept if kept else []),
    ):
        if names:
            text = ", ".join(map(sanitise, names))
            lines = [text] if room is None else _fold(text, room - _WORD)
            for number, line in enumerate(lines):
                say(f"{word if number == 0 else '':<{_WORD}}{line}", console=console or stdout())


def say_next(app: str, changed: VariablesChanged) -> None:
    """Print what to do about a change."""
    if changed.is_empty:
        say("Nothing to change." if changed.unchanged else "Nothing to change: no variable was named.")
    else:
        say(f"Saved; live after the next deploy. Make it live at once: potions redeploy {app}")


def read_text(what: str) -> str:
    """Standard input as text; raises VariableRefused for what is no UTF-8, without any of it."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        # Without the cause: its words show bytes of the value.
        raise VariableRefused(f"{what} is not valid UTF-8.", do="Encode it, for example with base64.") from None


def _fold(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, max(room, _NARROWEST), break_long_words=False, break_on_hyphens=False)


def _values(app: str, words: list[str]) -> dict[str, str]:
    """Names are looked at before any value is asked for, so that nobody types a secret in vain."""
    split = [word.partition("=") for word in words]
    names = [_name(app, name, value) for name, _, value in split]
    bare = [name for name, equals, _ in split if not equals]
    _refuse_twice(names)
    if len(bare) > 1 and not sys.stdin.isatty():
        raise UsageRefused(
            f"Which of {', '.join(bare)} is standard input meant for?",
            why="It can be the value of one variable only.",
            do="Set them one by one, or put them into a file for: potions env import",
        )
    given = {name: value if equals else _ask(app, name) for name, equals, value in split}
    return {name: parse_env_value(name, value) for name, value in given.items()}


def _name(app: str, name: str, value: str) -> str:
    try:
        return str(parse_env_name(name))
    except NameRefused:
        if value.strip("="):
            raise
        # Whoever forgot the name gave the value in its place, which in base64 can end with "=".
        raise UsageRefused(
            "One of the words is no variable.",
            why="It is not shown here: it may be a value whose name was forgotten. A name has A-Z, a-z, 0-9 and _.",
            do=f"potions env set {app} NAME, or NAME=VALUE",
        ) from None


def _refuse_twice(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageRefused(f"{', '.join(twice)} is there twice.", why="Only one value can be meant.")


def _ask(app: str, name: str) -> str:
    """The value of ``name``. An empty one is mostly an unset shell variable or a file that is not there yet."""
    value = _typed_or_read(name)
    if not value:
        raise UsageRefused(
            f"No value came for {name}; nothing was changed.",
            why="What was typed is empty." if sys.stdin.isatty() else "Standard input is empty.",
            do=f"If the empty value is meant: potions env set {app} {name}=",
        )
    return value


def _typed_or_read(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name} (not shown): ")
    # The line feed that echo and editors end a file with is not meant; any further one is.
    return read_text(f"The value of {name}").removesuffix("\n")
