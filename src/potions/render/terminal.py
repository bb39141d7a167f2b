"""A program that a person opens: what its launcher reads, and on a server the unit that it is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from potions.layout import Server
from potions.model.terminal import HANG_UP_GRACE, TerminalProgram
from potions.render.spec import ENVIRONMENT_CREDENTIAL, SPEC_CREDENTIAL
from potions.render.systemd import PYTHON, sandbox, unit_name


def render_terminal_spec(program: TerminalProgram, *, handed: bool = False) -> bytes:
    """The spec of the launcher, as JSON: ``argv`` instead of a command, and whether fd 0 is a ``terminal``.

    ``handed`` is for systemd, as for a service; the launcher waits for the program then, and says how it ended.
    """
    account = msgspec.structs.replace(program.account, switch=program.account.switch and not handed)
    spec = {
        "argv": program.argv,
        "directory": str(program.directory),
        "env_file": ENVIRONMENT_CREDENTIAL if handed else str(program.env_file),
        "own_variables": program.own_variables,
        "path_first": program.path_first,
        "terminal": program.window is not None,
        "account": account,
        "alone": handed,
        "waits": handed,
    }
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


def render_terminal_command(server: Server, program: TerminalProgram, spec: Path) -> list[str]:
    """The words that start it as a unit with the streams of whoever runs them, and wait for its end.

    When it is stopped it hears SIGHUP, as of a terminal that is closed.
    """
    properties = [
        ("Description", f"Potions: {program.name.replace('.', ' ')}"),
        ("KillSignal", "SIGHUP"),
        ("TimeoutStopSec", f"{HANG_UP_GRACE:.0f}s"),
        ("LoadCredential", f"{SPEC_CREDENTIAL}:{spec}"),
        ("LoadCredential", f"{ENVIRONMENT_CREDENTIAL}:{program.env_file}"),
        *sandbox(program.service),
    ]
    told = [f"--property={name}={value}" for name, value in properties]
    unit = unit_name(program.name)
    words = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec", f"--unit={unit}", *told]
    # systemd-run puts no value of a credential's folder into words, as a unit's %d would be.
    launch = 'exec "$0" -I -S "$1" "$CREDENTIALS_DIRECTORY/$2"'
    return [*words, "--", "/bin/sh", "-c", launch, PYTHON, str(server.launcher), SPEC_CREDENTIAL]
