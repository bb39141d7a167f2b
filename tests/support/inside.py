"""What tests need that run inside a machine: its systemd, with a server's tree around it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potions import launcher
from potions.host.files import provision, remove_tree
from potions.host.systemd import Systemd
from potions.layout import SERVER, Server
from potions.model.service import Account, Service
from potions.render.systemd import unit_name

#: Whether these tests run in a machine that was made for them, whose systemd may be changed.
IS_MACHINE = os.environ.get("POTIONS_INSIDE_MACHINE") == "yes"


@contextmanager
def server_of_systemd() -> Iterator[tuple[Server, Systemd, Account]]:
    """A server without an agent: its tree, its launcher, and the user of its apps."""
    if not any(user.pw_name == "deploy" for user in pwd.getpwall()):
        words = ["useradd", "--system", "--shell", "/usr/sbin/nologin", "--home-dir", "/nonexistent", "deploy"]
        subprocess.run(words, check=True)
    user = pwd.getpwnam("deploy")
    account = Account(user.pw_name, user.pw_uid, user.pw_gid, switch=True)
    for path in (SERVER.program_folder, SERVER.passing_units):
        path.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(launcher.__file__), SERVER.launcher)
    provision(SERVER.entries(), account)
    try:
        yield SERVER, Systemd(SERVER), account
    finally:
        for left in set(SERVER.apps.iterdir()) - {SERVER.trash}:
            remove_tree(left, below=SERVER.apps)


def printed_to_journal(service: Service, since: float) -> str:
    """What a service printed since a moment, as the journal has it; without what systemd says of it."""
    subprocess.run(["journalctl", "--sync"], check=True)
    words = [
        "journalctl",
        "--quiet",
        "--output=cat",
        "--no-pager",
        f"--unit={unit_name(service.name)}",
        f"--since=@{since}",
    ]
    return subprocess.run([*words, "_TRANSPORT=stdout"], check=True, capture_output=True, text=True).stdout
