"""Asking before something is changed or taken away."""

from __future__ import annotations

import sys

from potions.cli.screen import say, stderr
from potions.errors import NotConfirmed


def confirm_by_name(name: str, act: str) -> None:
    """Ask for ``name`` to be typed; ``act`` is what happens then ("Deleting blog"). Raises NotConfirmed.

    The question goes to standard error, so that it is seen while standard output is a file.
    """
    if not sys.stdin.isatty():
        raise NotConfirmed(
            f"{act} was not confirmed; nothing was changed.",
            why="Standard input is not a terminal, so nobody can be asked.",
            do="Where it is meant, add: --yes",
        )
    stderr().print(f"Type its name ({name}) to go on: ", end="", soft_wrap=True)
    typed = sys.stdin.readline()
    if not typed.endswith("\n"):
        say(console=stderr())
    if typed.strip() != name:
        raise NotConfirmed(f"{act} was not confirmed; nothing was changed.", why="What was typed is not its name.")


def confirm(question: str, act: str) -> None:
    """Ask for a yes; ``act`` is what it means ("Writing potions.toml"). Raises NotConfirmed."""
    if not sys.stdin.isatty():
        raise NotConfirmed(
            f"{act} was not confirmed; nothing was changed.",
            why="Standard input is not a terminal, so nobody can be asked.",
            do="Where it is meant, add: --yes",
        )
    stderr().print(f"{question} [y/N] ", end="", soft_wrap=True)
    typed = sys.stdin.readline()
    if not typed.endswith("\n"):
        say(console=stderr())
    if typed.strip().lower() not in {"y", "yes"}:
        raise NotConfirmed(f"{act} was not confirmed; nothing was changed.")
