"""Becoming root on a real machine, as somebody who may use sudo: with a password, without one, and not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from potions.errors import RemoteCommandFailed
from potions.ssh import Connection, Remote, parse_address
from support.machine import Machine, machine_of


class Typist:
    """Somebody at a terminal who types what is in ``answers``, one after the other."""

    is_there = True

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def tell(self, line: str) -> None:
        raise AssertionError(line)

    def ask(self, question: str) -> str:
        raise AssertionError(question)

    def ask_secretly(self, question: str) -> str:
        self.asked.append(question)
        return self.answers.pop(0)


class Nobody(Typist):
    is_there = False


@pytest.fixture(scope="module")
def sudoers() -> Iterator[Machine]:
    """With `free`, who needs no password for sudo; `typing`, whose is `rosebud`; and `other`, who may not."""
    with machine_of("bookworm") as machine:
        for user in ("free", "typing", "other"):
            machine.do(["useradd", "--create-home", "--shell", "/bin/bash", user])
            machine.do(["chpasswd"], stdin=f"{user}:rosebud\n")
            machine.do(f"cp -r /root/.ssh /home/{user}/ && chown -R {user}: /home/{user}/.ssh")
        machine.write("/etc/sudoers.d/test", "free ALL=(ALL) NOPASSWD: ALL\ntyping ALL=(ALL) ALL\n", 0o440)
        yield machine


@contextmanager
def _remote(
    machine: Machine, user: str, person: Typist, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Remote]:
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "config").write_text(f"IdentityFile {machine.key}\n")
    (ssh / "known_hosts").write_bytes(machine.known_hosts.read_bytes())
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with Connection(parse_address(f"{user}@{machine.address}"), person) as connection:
        yield Remote(connection)


def test_without_a_password(sudoers: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked."""
    with _remote(sudoers, "free", Nobody(), tmp_path, monkeypatch) as remote:
        assert remote.run(["id", "-un"]).out == "free\n"
        assert remote.run(["id", "-un"], sudo=True).out == "root\n"
        remote.put(b"of root", "/etc/by-free", mode=0o640, sudo=True)
    assert sudoers.do("stat -c '%U:%G %a' /etc/by-free; cat /etc/by-free") == "root:root 640\nof root"


def test_with_a_password(sudoers: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for once, again after a mistake, and reaches no program and no file."""
    person = Typist("wrong", "rosebud")
    with _remote(sudoers, "typing", person, tmp_path, monkeypatch) as remote:
        said: list[str] = []
        ran = remote.run(["sh", "-c", "id -un; cat"], sudo=True, tell=said.append)
        assert (ran.out, said) == ("root\n", ["root"])
        content = secrets.token_bytes(1_000_000)
        remote.put(content, "/etc/by-typing", mode=0o600, sudo=True)
        assert remote.run(["sh", "-c", "exit 5"], sudo=True, check=False).status == 5
        assert len(person.asked) == 2
        assert "typing" in person.asked[0]
        assert remote.run(["ls", "-A", "/tmp"]).out.count("tmp.") == 0
    assert sudoers.do("stat -c '%U:%G %a %s' /etc/by-typing") == "root:root 600 1000000\n"
    assert "rosebud" not in sudoers.journal()


def test_who_may_not_is_told(sudoers: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not among the sudoers, has forgotten the password, or cannot be asked."""
    for number, (user, person, words) in enumerate(
        [
            ("other", Typist("rosebud", "rosebud", "rosebud"), "does not let other become root"),
            ("typing", Typist("a", "b", "c"), "does not let typing become root"),
            ("typing", Nobody(), "wants a password, and nobody can be asked"),
        ]
    ):
        home = tmp_path / str(number)
        home.mkdir()
        with (
            _remote(sudoers, user, person, home, monkeypatch) as remote,
            pytest.raises(RemoteCommandFailed, match=words),
        ):
            remote.run(["id"], sudo=True)
