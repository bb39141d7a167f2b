"""`potions console` and `potions run`: a program in the live slot of an app, as if it ran here."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from potions.cli.connection import connect
from potions.cli.options import AppWord
from potions.cli.screen import sanitise, say, stderr
from potions.errors import NoTerminal, UsageRefused

_Command = Annotated[str, Parameter(name="COMMAND", help="The command, with its words.", allow_leading_hyphen=True)]
_Json = Annotated[bool, Parameter(name="--json", help="Say what goes wrong before it starts as JSON.")]


def console(app: AppWord, /, *, json: _Json = False) -> int:
    """Open a console in the running app.

    What is opened: [run] console of potions.toml; or by itself the remote
    console of a Mix release, the shell of Django, the console of Rails, python
    with the app's virtual environment, node, or else a shell. It runs beside
    the app, in the live slot and with its variables. A deploy that retires that
    slot ends it.

    Leave it as you leave the program itself. Where nothing answers any more:
    Enter, then ~ and a full stop.

    For example:

        potions console blog
    """
    from potions.cli.terminal import carry, has_terminal, terminal_size
    from potions.schema.terminal import Open

    if not has_terminal():
        raise NoTerminal(app)
    with connect() as client, client.terminal(app, Open(size=terminal_size())) as line:
        if not json:
            opened = line.opened
            what = sanitise(f"{opened.kind}: {opened.command}")
            say(f"{what}, in {opened.slot} ({opened.release}).", "dim", console=stderr())
            say("If nothing answers any more: Enter, then ~.", "dim", console=stderr())
        return carry(line, in_terminal=True)


def run(app: AppWord, /, *command: _Command, json: _Json = False) -> int:  # noqa: ARG001 - `main` looks at it
    """Run a command in the live slot of an app, with its variables.

    It is run as it is, without a shell; for one: -- sh -c '...'. Its input,
    output, errors and exit status are those of this command, so pipes and files
    work; between two terminals it has a terminal of its own. Ctrl-C goes to it.
    It ends where this command ends, and so does all that it leaves behind.

    For example:

        potions run blog -- python manage.py migrate
        potions run blog -- sh -c 'ls "$STORAGE_DIR"'
        potions run blog -- pg_dump > dump.sql
    """
    from potions.cli.terminal import carry, has_terminal, terminal_size
    from potions.schema.terminal import Open

    if not command:
        raise UsageRefused("Which command?", do=f"For example: potions run {sanitise(app)} -- ls -la")
    in_terminal = has_terminal()
    opening = Open(list(command), terminal_size() if in_terminal else None)
    with connect() as client, client.terminal(app, opening) as line:
        return carry(line, in_terminal=in_terminal)
