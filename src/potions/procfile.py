"""Reads a Procfile: ``web:``, ``release:`` and workers under names of their own, each with a command."""

from __future__ import annotations

import re

from potions.errors import NameRefused, ProcfileRefused
from potions.model.planning import Procfile
from potions.names import RESERVED_PROCESSES, parse_process_name

_LINE = re.compile(r"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)\Z")
_NEWLINE = re.compile(r"\r\n|\n|\r")


def parse_procfile(text: str) -> Procfile:
    """Return the commands of a Procfile; raises ProcfileRefused with the line that cannot be run."""
    commands: dict[str, str] = {}
    for number, line in enumerate(_NEWLINE.split(text.removeprefix("\ufeff")), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            name, command = _read_line(number, stripped)
            if name in commands:
                raise ProcfileRefused(f"Procfile line {number}: {name} is there twice.", do="Keep one of the lines.")
            commands[name] = command
    workers = {name: command for name, command in commands.items() if name not in RESERVED_PROCESSES}
    return Procfile(commands.get("web"), commands.get("release"), workers)


def _read_line(number: int, line: str) -> tuple[str, str]:
    found = _LINE.match(line)
    if not found or not found[2] or "\0" in line:
        raise ProcfileRefused(
            f"Procfile line {number} cannot be read.",
            why="Each line is a name, a colon and a command.",
            do="Write it like this: web: COMMAND",
        )
    name = found[1]
    if name not in RESERVED_PROCESSES:
        _check_name(number, name)
    return name, found[2]


def _check_name(number: int, name: str) -> None:
    if name.lower() in RESERVED_PROCESSES:
        raise ProcfileRefused(
            f"Procfile line {number}: {name} is neither {name.lower()} nor a worker.",
            why=f"{name.lower()} is written in lower case, and a worker called {name} would be taken for it.",
            do=f"Write it like this: {name.lower()}: COMMAND",
        )
    try:
        parse_process_name(name)
    except NameRefused as refused:
        raise ProcfileRefused(f"Procfile line {number}: {refused.what}", why=refused.why) from None
