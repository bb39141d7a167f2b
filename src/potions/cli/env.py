"""`potions env`: list, set, unset and import an app's variables."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.options import AppWord, Json
from potions.cli.screen import new_table, print_json, sanitise, say, show, sign, spell_out, stderr
from potions.errors import DotenvBroken, UsageRefused, VariableRefused
from potions.names import parse_app_name, parse_env_name, parse_env_value
from potions.schema import Liveness, Variable, VariablesChange, VariablesChanged

env = App(name="env", help="List, set, unset and import an app's variables.")

_STDIN = "-"
_File = Annotated[
    str, Parameter(name="FILE", help="A .env file; - or nothing: standard input.", allow_leading_hyphen=True)
]


@env.command(name="list")
def list_variables(
    app: AppWord,
    /,
    *,
    reveal: Annotated[bool, Parameter(name="--reveal", help="Show the values.")] = False,
    json: Json = False,
) -> int:
    """List an app's variables; values only on request.

    For example:

        potions env list blog
        potions env list blog --reveal
    """
    with connect() as client:
        found = client.variables(app, reveal=reveal)
    if json:
        print_json(found)
    else:
        _show(app, found)
    return 0


@env.command(name="set")
def set_variables(
    app: AppWord,
    /,
    *variables: Annotated[str, Parameter(name="NAME[=VALUE]", help="Without =VALUE the value is asked for, or read.")],
    json: Json = False,
) -> int:
    """Set variables. They are live after the next deploy.

    With NAME alone the value is asked for without showing it, or read from
    standard input; what stands in the command itself others can see in `ps`
    and in the shell's history.

    For example:

        potions env set blog FEATURE_X=on
        potions env set blog API_KEY
        potions env set blog API_KEY < key.txt
    """
    parse_app_name(app)
    if not variables:
        raise UsageRefused("Which variable?", do=f"potions env set {app} NAME, or NAME=VALUE")
    values = _values(list(variables))
    with connect() as client:
        changed = client.change_variables(app, VariablesChange(set=values))
    if not json and any("=" in variable for variable in variables):
        say("A value in a command is visible in `ps` and the shell's history; NAME alone asks.", console=stderr())
    return _tell(app, changed, json=json)


@env.command(name="unset")
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
    return _tell(app, changed, json=json)


@env.command(name="import")
def import_variables(
    app: AppWord,
    file: _File = _STDIN,
    /,
    *,
    json: Json = False,
) -> int:
    """Set every variable of a .env file; all of them, or none.

    For example:

        potions env import blog .env
        potions env import blog < .env
    """
    parse_app_name(app)
    text = _dotenv(file)
    with connect() as client:
        changed = client.change_variables(app, VariablesChange(dotenv=text))
    return _tell(app, changed, json=json)


def _show(app: str, found: list[Variable]) -> None:
    if not found:
        say(f"{app} has no variables. Set one: potions env set {app} NAME")
        return
    table = new_table("NAME", "VALUE", "", "STATE", fold=("NAME", "VALUE"))
    for variable in found:
        live = variable.liveness is Liveness.LIVE
        table.add_row(
            sanitise(variable.name),
            _value(variable),
            _badges(variable),
            Text(variable.liveness.value, style="dim" if live else "yellow"),
        )
    show(table)
    states = {variable.liveness for variable in found if not variable.locked}
    if states == {Liveness.SAVED}:
        say(f"They are live with the first deploy: potions deploy PATH --app {app}", "yellow")
    elif states - {Liveness.LIVE}:
        say(f"Make them live: potions redeploy {app}", "yellow")


def _value(variable: Variable) -> Text:
    if variable.value is None:
        return Text("hidden", style="dim")
    return Text(spell_out(variable.value))


def _badges(variable: Variable) -> Text:
    text = Text("auto", style="cyan") if variable.auto else Text()
    if variable.locked:
        text.append(sign(" 🔒", " locked"))
    return text


def _values(words: list[str]) -> dict[str, str]:
    """Names are looked at before any value is asked for, so that nobody types a secret in vain."""
    split = [word.partition("=") for word in words]
    names = [str(parse_env_name(name)) for name, _, _ in split]
    bare = [name for name, equals, _ in split if not equals]
    _refuse_twice(names)
    if len(bare) > 1 and not sys.stdin.isatty():
        raise UsageRefused(
            f"Which of {', '.join(bare)} is standard input meant for?",
            why="It can be the value of one variable only.",
            do="Set them one by one, or put them into a file for: potions env import",
        )
    given = {name: value if equals else _ask(name) for name, equals, value in split}
    return {name: parse_env_value(name, value) for name, value in given.items()}


def _refuse_twice(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageRefused(f"{', '.join(twice)} is there twice.", why="Only one value can be meant.")


def _ask(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name} (not shown): ")
    # The line feed that echo and editors end a file with is not meant; any further one is.
    return _stdin_text(f"The value of {name}").removesuffix("\n")


def _stdin_text(what: str) -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        # Without the cause: its words show bytes of the value.
        raise VariableRefused(f"{what} is not valid UTF-8.", do="Encode it, for example with base64.") from None


def _dotenv(file: str) -> str:
    if file == _STDIN:
        if sys.stdin.isatty():
            say("Type NAME=VALUE lines; end with Ctrl-D.", console=stderr())
        return _stdin_text("Standard input")
    try:
        return Path(file).read_bytes().decode()
    except UnicodeDecodeError:
        raise DotenvBroken(f"{file} is not valid UTF-8.", do="Save it as UTF-8.") from None
    except OSError as error:
        raise DotenvBroken(f"{file} cannot be read.", why=error.strerror or str(error)) from error


def _tell(app: str, changed: VariablesChanged, *, json: bool) -> int:
    if json:
        print_json(changed)
        return 0
    for act, names in (
        ("added", changed.added),
        ("changed", changed.changed),
        ("removed", changed.removed),
        ("unchanged", changed.unchanged),
    ):
        if names:
            say(f"{act:<10}{', '.join(map(sanitise, names))}")
    if changed.added or changed.changed or changed.removed:
        say(f"Saved; live after the next deploy. Make it live at once: potions redeploy {app}")
    else:
        say("Nothing to change.")
    return 0
