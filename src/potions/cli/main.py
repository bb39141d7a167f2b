"""The entry point: finds the command, calls it, and ends with its exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, TextIO

from potions.cli.front import commands, front_page

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

    from potions.errors import UsageRefused


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``potions`` with these words (those of this process if none are given); return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    _print_what_it_can(sys.stdout)
    _print_what_it_can(sys.stderr)
    if sys.stdin is None:
        # Closed by who started this. Whoever reads finds nothing there, and not an accident.
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if words[:1] == ["help"]:
        # What is typed where a manual is expected: `potions help deploy`.
        words = [*words[1:], "--help"]
    if words[:1] == ["dev"] and len(words) > 1 and not words[1].startswith("-"):
        # Whatever follows is the command's own, `--version` too.
        words = ["dev", "--", *words[1:]]
    if words[:1] == ["run"] and len(words) > 2 and not any(word.startswith("-") for word in words[1:3]):
        # The same behind the app's name.
        words = ["run", words[1], "--", *words[2:]]
    if words in (["--help"], ["-h"], ["--help", "--json"]):
        sys.stdout.write(front_page())
        return 0
    from potions.cli.faults import guard
    from potions.cli.signals import heard_at_once

    with heard_at_once():
        return guard(partial(_run, words), json=_asks_for_json(words))


def _print_what_it_can(stream: TextIO) -> None:
    """A letter that the terminal's encoding lacks becomes ``?`` instead of an exception."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _asks_for_json(words: list[str]) -> bool:
    before = words[: words.index("--")] if "--" in words else words
    return "--json" in before


def _run(all_words: list[str]) -> int:
    from potions.cli.elsewhere import take_server

    words = take_server(all_words)
    if not words or words == ["--json"]:
        from potions.cli.welcome import welcome

        return welcome(json=bool(words))
    from cyclopts import CycloptsError

    try:
        status: int | None = build()(words)
    except CycloptsError as error:
        raise _usage_error(error, words) from error
    return status or 0


def build() -> App:
    """The command tree. Each command's module is imported when the command is asked for."""
    from cyclopts import App, Parameter

    from potions import __version__

    app = App(
        name="potions",
        version=__version__,
        help_format="plaintext",
        default_parameter=Parameter(negative=(), show_default=False),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for command in commands():
        app.command(command.target, name=command.name)
    return app


def _usage_error(error: CycloptsError, words: list[str]) -> UsageRefused:
    from cyclopts import UnknownCommandError, UnusedCliTokensError

    from potions.errors import UsageRefused

    chain = " ".join(("potions", *(error.command_chain or ())))
    if isinstance(error, UnusedCliTokensError):
        left = " ".join(error.unused_tokens or ())
        return UsageRefused(f"{chain} has no use for: {left}", do=f"See: {chain} --help")
    if isinstance(error, UnknownCommandError) and not error.command_chain:
        return UsageRefused(f"There is no command {words[0]!r}.", why=_closest(words[0]), do="See all: potions --help")
    return UsageRefused(str(error), do=f"See: {chain} --help")


def _closest(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, [command.name for command in commands()], n=3)
    return f"Did you mean {' or '.join(close)}?" if close else ""


if __name__ == "__main__":
    sys.exit(main())
