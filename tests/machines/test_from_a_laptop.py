"""`potions server add` from another computer, and a day with the server that it makes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.layout import SERVER
from support.laptop import Laptop
from support.machine import Machine, machine_of
from support.releases import behave_release
from support.terminal import InTerminal

_MEGABYTE = 1_000_000
#: Says what it is told, until `end`.
LISTENER = """\
import os, sys
print("ready", *os.get_terminal_size(), os.environ["TERM"], flush=True)
while (line := sys.stdin.readline().strip()) != "end":
    print("heard", line, flush=True)
sys.exit(7)
"""
MANIFEST = '[run]\nstart = "python3 behave.py"\nconsole = "python3 listener.py"\n'


class Added:
    """A machine that was made a server from a laptop, and what was printed there meanwhile."""

    def __init__(self, machine: Machine, laptop: Laptop, user: str) -> None:
        self.machine = machine
        self.laptop = laptop
        self.user = user
        self.address = f"{user}@{machine.address}"
        self.told = ""


def let_in(machine: Machine, laptop: Laptop, user: str) -> None:
    """The user accepts the laptop's key; any but root may use sudo, with the password `rosebud`."""
    if user != "root":
        machine.do(["useradd", "--create-home", "--shell", "/bin/bash", user])
        machine.do(["chpasswd"], stdin=f"{user}:rosebud\n")
        machine.write(f"/etc/sudoers.d/{user}", f"{user} ALL=(ALL) ALL\n", 0o440)
    home = "/root" if user == "root" else f"/home/{user}"
    key = laptop.key.with_name(f"{laptop.key.name}.pub").read_text()
    machine.do(f"mkdir -p {home}/.ssh && cat >>{home}/.ssh/authorized_keys && chown -R {user}: {home}/.ssh", stdin=key)


def meet(terminal: InTerminal, machine: Machine) -> None:
    """Compare the fingerprint, and accept it."""
    shown = terminal.until("Type yes to go on")
    fingerprint = machine.do("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert fingerprint in shown
    terminal.type("yes\n")


@pytest.fixture(scope="module", params=[("bookworm", "anna"), ("trixie", "root")], ids=["sudo", "root"])
def added(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Added]:
    suite, user = request.param
    laptop = Laptop(tmp_path_factory.mktemp("laptop"))
    with machine_of(suite) as machine:
        let_in(machine, laptop, user)
        made = Added(machine, laptop, user)
        with laptop.adding(made.address, "--name", "shop", "--internal-certificates") as terminal:
            meet(terminal, machine)
            if user != "root":
                terminal.until("for sudo: ")
                assert not terminal.shows_what_is_typed
                terminal.type("rosebud\n")
            made.told = terminal.rest()
            assert terminal.status() == 0, f"{made.told}\n{machine.report()}"
        yield made


@pytest.mark.contract("P17")
def test_one_command_makes_a_server_and_remembers_it(added: Added) -> None:
    """Its steps are told as they come, with the way to the dashboard; nothing temporary is left on either computer."""
    machine, laptop = added.machine, added.laptop
    for words in ("services", "there is no user deploy", "/welcome/", f"shop is remembered: {added.address}"):
        assert words in added.told
    (kept,) = laptop.json("server", "list")
    assert (kept["name"], kept["default"], kept["dashboard"]) == ("shop", True, "http://potions.localhost:8480")
    assert laptop.json("status")["host"] == machine.address
    assert json.loads(machine.read(str(SERVER.settings)))["server"]["certificates"]["internal"] is True
    assert machine.do("find /tmp -maxdepth 1 -name 'tmp.*' -o -name 'potions-*' -o -name 'pip-*'") == ""
    assert "potions" not in machine.do("ls -A /root")
    assert laptop.left() == []
    assert "rosebud" not in machine.journal()


def test_added_again_nothing_is_installed(added: Added) -> None:
    """It says so; the host's key was remembered, and nobody is asked for a password."""
    before = added.machine.do(["stat", "--format=%Y", str(SERVER.finished)])
    done = added.laptop.do("server", "add", added.address, "--name", "shop")
    assert "installed there already" in done.err
    assert added.machine.do(["stat", "--format=%Y", str(SERVER.finished)]) == before


def test_somebody_else_is_let_in(added: Added) -> None:
    """Who may use sudo there becomes one who may command it; who may not is refused with what to do."""
    machine, laptop = added.machine, added.laptop
    let_in(machine, laptop, "berta")
    refused = laptop.refused("server", "add", f"berta@{machine.address}", "--name", "berta")
    assert "usermod -aG potions-admin berta" in refused.err
    with laptop.adding(f"berta@{machine.address}", "--name", "berta") as terminal:
        terminal.until("for sudo: ")
        terminal.type("rosebud\n")
        assert "berta is remembered" in terminal.rest()
    assert "potions-admin" in machine.do("id -nG berta")
    laptop.do("server", "remove", "berta")


def test_a_day_with_it(added: Added, tmp_path: Path) -> None:
    """Create, deploy with a large upload, files, logs, a command, a console, roll back: all through SSH."""
    laptop, machine = added.laptop, added.machine
    laptop.do("server", "use", "here")
    shop = ("--server", "shop")
    laptop.do(*shop, "apps", "create", "blog")
    one = behave_release(tmp_path / "1", "1", manifest=MANIFEST, files={"listener.py": LISTENER})
    (one / "large").write_bytes(os.urandom(20 * _MEGABYTE))
    with laptop.terminal(*shop, "deploy", str(one), "--app", "blog") as deploying:
        shown = deploying.rest()
        assert deploying.status() == 0, shown
    assert "receive" in shown
    two = behave_release(tmp_path / "2", "2", manifest=MANIFEST, files={"listener.py": LISTENER})
    laptop.do(*shop, "deploy", str(two), "--app", "blog")
    assert serves(machine) == "2"

    content = os.urandom(3 * _MEGABYTE)
    (tmp_path / "photo").write_bytes(content)
    laptop.do(*shop, "storage", "put", "blog", str(tmp_path / "photo"), "photos/")
    laptop.do(*shop, "storage", "get", "blog", "photos/photo", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content
    assert (
        machine.do("stat --format='%U:%G %s' /opt/potions/blog/storage/photos/photo")
        == f"deploy:deploy {len(content)}\n"
    )

    with laptop.terminal(*shop, "logs", "blog", "-f") as following:
        following.until("version 2 listens")
        following.interrupt()
        following.rest()
        assert following.status() == 130
    assert laptop.left() == []
    laptop.do(*shop, "rollback", "blog")
    assert serves(machine) == "1"


def serves(machine: Machine) -> str:
    asked = machine.do(["curl", "--silent", "--header", "Host: blog.localhost", "http://127.0.0.1:8480/"])
    return str(json.loads(asked)["version"])


def test_a_command_and_a_console_through_ssh(added: Added) -> None:
    """Input, output, exit status, the terminal's size: as if the program ran here."""
    laptop = added.laptop
    shop = ("--server", "shop")
    done = laptop.run(*shop, "run", "blog", "--", "sh", "-c", "cat; id -un; echo wrong >&2; exit 5", stdin="given\n")
    assert (done.status, done.out, done.err) == (5, "given\ndeploy\n", "wrong\n")
    sent = os.urandom(2 * _MEGABYTE)
    counted = laptop.do(*shop, "run", "blog", "--", "sha256sum", stdin=sent)
    assert counted.out.split()[0] == hashlib.sha256(sent).hexdigest()
    with laptop.terminal(*shop, "console", "blog") as console:
        console.until("ready ")
        console.type("hello\n")
        console.until("heard hello")
        console.type("end\n")
        console.rest()
        assert console.status() == 7
    assert laptop.left() == []
