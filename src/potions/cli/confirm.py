"""Asking before something is taken away or changed."""

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
    if _typed(f"Type its name ({name}) to go on: ") != name:
        raise NotConfirmed(f"{act} was not confirmed; nothing was changed.", why="What was typed is not its name.")


def confirm(question: str, act: str) -> None:
    """Ask for a yes, at a terminal. Raises NotConfirmed for anything else."""
    if _typed(f"{question} [y/N] ").lower() not in {"y", "yes"}:
        raise NotConfirmed(f"{act} was not confirmed; nothing was changed.")


def _typed(question: str) -> str:
    stderr().print(question, end="", soft_wrap=True)
    typed = sys.stdin.readline()
    if not typed.endswith("\n"):
        say(console=stderr())
    return typed.strip()
