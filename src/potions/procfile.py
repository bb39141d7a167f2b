"""Reads a Procfile: ``web:`` and ``release:``, each with a command."""

from __future__ import annotations

import re

import msgspec

from potions.errors import ProcfileRefused
from potions.model.planning import Procfile

_LINE = re.compile(r"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)\Z")
_NEWLINE = re.compile(r"\r\n|\n|\r")


def parse_procfile(text: str) -> Procfile:
    """Return the commands of a Procfile; raises ProcfileRefused with the line that Potions does not run."""
    commands: dict[str, str] = {}
    for number, line in enumerate(_NEWLINE.split(text.removeprefix("\ufeff")), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            name, command = _read_line(number, stripped)
            if name in commands:
                raise ProcfileRefused(f"Procfile line {number}: {name} is there twice.", do="Keep one of the lines.")
            commands[name] = command
    return msgspec.convert(commands, Procfile)


def _read_line(number: int, line: str) -> tuple[str, str]:
    found = _LINE.match(line)
    if not found or not found[2] or "\0" in line:
        raise ProcfileRefused(
            f"Procfile line {number} cannot be read.",
            why="Each line is a name, a colon and a command.",
            do="Write it like this: web: COMMAND",
        )
    if found[1] not in Procfile.__struct_fields__:
        raise ProcfileRefused(
            f"Procfile line {number}: {found[1]} is not a process that Potions runs.",
            why="Worker processes are not available yet; web starts the app and release migrates.",
            do=f"Take the line of {found[1]} out.",
        )
    return found[1], found[2]
