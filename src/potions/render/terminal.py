"""What the launcher reads of a program that a person opens."""

from __future__ import annotations

import msgspec

from potions.model.terminal import TerminalProgram


def render_terminal_spec(program: TerminalProgram) -> bytes:
    """The spec of the launcher, as JSON: ``argv`` instead of a command, and whether fd 0 is a ``terminal``."""
    spec = {
        "argv": program.argv,
        "directory": str(program.directory),
        "env_file": str(program.env_file),
        "own_variables": program.own_variables,
        "path_first": program.path_first,
        "terminal": program.window is not None,
        "account": program.account,
    }
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"
