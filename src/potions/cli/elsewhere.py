"""Which Potions the words of a command are for: that of this computer, or one on a server (``--server``)."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from functools import lru_cache

from potions.cli.front import HIDDEN, commands
from potions.errors import UsageRefused

#: Where a server's name may stand, this is the computer that the command runs on.
HERE = "here"
_OPTION = "--server"
_VARIABLE = "POTIONS_SERVER"

#: What makes sense on this computer alone. A server is installed, and its units are systemd's.
_ONLY_HERE = {
    "up": "It starts Potions on this computer. On a server systemd does: sudo systemctl start potions-agent",
    "down": "It stops Potions on this computer. On a server systemd does: sudo systemctl stop potions-agent",
    "dev": "It runs a command on this computer.",
    "init": "It looks at a project on this computer.",
    "agent": "It runs an agent on this computer.",
    "server": "It is about what this computer knows of servers. Name the one that is meant as the command says.",
}


class _Choice:
    """What was asked for; commands of one process never differ in it."""

    word = ""
    """As it was typed with the command; empty where it was not."""
    only_here = False
    """The command can mean nothing but this computer."""


_choice = _Choice()


def take_server(words: Sequence[str]) -> list[str]:
    """The words without ``--server X``, which is remembered. Raises UsageRefused.

    It may stand anywhere before ``--``: behind that, words belong to another program.
    """
    _choice.word = ""
    end = list(words).index("--") if "--" in words else len(words)
    left: list[str] = []
    ours = iter(words[:end])
    for word in ours:
        name, given, value = word.partition("=")
        if name != _OPTION:
            left.append(word)
            continue
        _choose(value if given else next(ours, ""))
    command = left[0] if left else ""
    _choice.only_here = command in _ONLY_HERE
    if _choice.only_here and _choice.word not in ("", HERE):
        raise UsageRefused(
            f"potions {command} is not for another computer.", why=_ONLY_HERE[command], do=f"Leave out {_OPTION}."
        )
    return [*left, *words[end:]]


def _choose(value: str) -> None:
    example = f"For example: {_OPTION} anna@example.org; or {_OPTION} {HERE} for this computer."
    if not value or value.startswith("-"):
        raise UsageRefused(f"{_OPTION} wants the server.", do=example)
    if _choice.word:
        raise UsageRefused(f"{_OPTION} stands there twice.", why=f"{_choice.word} and {value}", do=example)
    _choice.word = value


def server_word() -> str:
    """What names the server that is meant, as typed or as POTIONS_SERVER has it; empty where nobody named one."""
    if _choice.only_here:
        return HERE
    return _choice.word or os.environ.get(_VARIABLE, "")


def addressed(text: str) -> str:
    """``text`` with each command in it made one for the same server, so that what is copied works."""
    if not _choice.word or _choice.word == HERE:
        return text
    return _suggestion().sub(lambda found: f"{found[0]}{_OPTION} {shlex.quote(_choice.word)} ", text)


@lru_cache
def _suggestion() -> re.Pattern[str]:
    """``potions `` before a command that can be for a server; not where it is part of a path or of another word."""
    hidden = {command.name for command in HIDDEN}
    names = (command.name for command in commands() if command.name not in _ONLY_HERE.keys() | hidden)
    return re.compile(rf"(?<![\w/.@-])potions (?=(?:{'|'.join(names)})(?![\w-]))")
