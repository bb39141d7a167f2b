"""The spec of a service: what its launcher reads, whichever supervisor starts it."""

from __future__ import annotations

import msgspec

from potions.model.service import Service

#: What systemd calls the two files that it hands to a launcher.
SPEC_CREDENTIAL = "spec"
ENVIRONMENT_CREDENTIAL = "environment"


def render_spec(service: Service, *, handed: bool = False) -> bytes:
    """``command``, ``directory``, ``env_file``, ``own_variables``, ``account`` and ``alone``, as JSON.

    ``handed`` is for systemd: it hands the variables' file over beside the spec, has become the app's user already, and
    the program's signals are to reach nobody else.
    """
    account = msgspec.structs.replace(service.account, switch=service.account.switch and not handed)
    spec = {
        "command": service.command,
        "directory": str(service.directory),
        "env_file": ENVIRONMENT_CREDENTIAL if handed else str(service.env_file),
        "own_variables": service.own_variables,
        "account": account,
        "alone": handed,
    }
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"
