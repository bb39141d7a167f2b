"""The pages of ``docs/`` that say the same as the code: the errors, and the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cyclopts import App

from potions import errors
from potions.cli.front import GROUPS, HIDDEN
from potions.cli.main import build
from potions.errors import PotionsError

_ERRORS = """\
# Errors

Every error has a code, which stays the same from version to version. `potions` prints what happened, why, and what to
do; with `--json`, and over the API, the same comes as an object with the code. Where the last column says so, the same
call may be tried again unchanged, with hope.

| code | meaning | exit status | HTTP status | try again |
| --- | --- | --- | --- | --- |
"""

_CLI = """\
# The command line

`potions` alone says what runs and what to do next; `potions COMMAND --help` says what stands here.

Every command takes `--json`, and then prints the API's answer and nothing else. The exit status is 0 only if what was
asked for is done; 1 if it failed, 2 if the words themselves were refused, 130 after Ctrl-C. `potions dev` has that of
the command that it becomes (127 if there is none of that name). The errors are listed in
[errors.md](errors.md). Every command takes `--server USER@HOST`, or a [server](servers.md)'s name, but those that
only make sense on this computer. `POTIONS_HOME` names the home that is meant; without it, that is the server's where
`potions server install` was run, else `~/.local/share/potions`, and `/var/lib/potions-embedded` for root.
"""


def every_error() -> list[type[PotionsError]]:
    """Every error a person can meet, by code."""
    found = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, PotionsError)]
    return sorted((error for error in found if error is not PotionsError), key=lambda error: error.code)


def errors_page() -> str:
    """The text of ``docs/errors.md``."""
    return _ERRORS + "".join(f"{_error_line(error)}\n" for error in every_error())


def _error_line(error: type[PotionsError]) -> str:
    meaning = (error.__doc__ or "").splitlines()[0]
    again = "yes" if error.retry else ""
    return f"| `{error.code}` | {meaning} | {error.exit_status} | {error.http_status} | {again} |"


def cli_page() -> str:
    """The text of ``docs/cli.md``, from the help of the commands themselves."""
    app = build()
    for command in HIDDEN:
        app[command.name].show = False
    for name in app:
        # When commands run they inherit this; what writes the documents does not look up.
        app[name].default_parameter = app.default_parameter
    return f"{_CLI}\n{_contents()}\n{_commands(app)}"


def _contents() -> str:
    groups = []
    for title, commands in GROUPS.items():
        lines = (f"- [`potions {command.name}`](#potions-{command.name}): {command.summary}\n" for command in commands)
        groups.append(f"{title}:\n\n{''.join(lines)}")
    return "\n".join(groups)


def _commands(app: App) -> str:
    """Each command's own section; the title and the list above them are ours."""
    with _called("potions"):
        text = app.generate_docs(output_format="markdown")
    return text[text.index("\n## potions ") + 1 :].rstrip() + "\n"


@contextmanager
def _called(name: str) -> Iterator[None]:
    """The library names the program of a usage line after how this process was called."""
    before = sys.argv[0]
    sys.argv[0] = name
    try:
        yield
    finally:
        sys.argv[0] = before
