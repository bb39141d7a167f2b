"""Commands and files on the other computer, through a real sshd."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.errors import RemoteCommandFailed, ServerUnreachable
from potions.ssh import Connection, Remote, parse_address
from support.laptop import Laptop
from support.sshd import Sshd


class Nobody:
    """A script, which cannot be asked anything."""

    is_there = False

    def tell(self, line: str) -> None:
        raise AssertionError(line)

    def ask(self, question: str) -> str:
        raise AssertionError(question)

    ask_secretly = ask


@pytest.fixture
def remote(laptop: Laptop, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    laptop.may_enter(sshd)
    monkeypatch.setenv("HOME", str(laptop.home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with Connection(parse_address(sshd.address), Nobody()) as connection:
        yield Remote(connection)


def test_words_arrive_as_they_are(remote: Remote) -> None:
    """Whatever is in them; no shell reads them on the way."""
    words = ["a b", "$(id)", "'", '"', "\\", "*", "ä", "", "\n", "-n", ";", "`x`"]
    ran = remote.run(["sh", "-c", 'for word; do printf "%s|" "$word"; done', "sh", *words])
    assert ran.out == "".join(f"{word}|" for word in words)


def test_lines_come_live_and_apart(remote: Remote, tmp_path: Path) -> None:
    """Each line while the command still runs; the two outputs are told apart in what it returns."""
    go_on = tmp_path / "go-on"
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if line == "one":
            # Only now may it go on: a line that came at the end would come never.
            go_on.touch()

    script = 'echo one; while [ ! -e "$1" ]; do sleep 0.05; done; echo two >&2; printf three'
    ran = remote.run(["sh", "-c", script, "sh", str(go_on)], tell=tell)
    assert said[0] == "one"
    assert sorted(said) == ["one", "three", "two"]
    assert (ran.status, ran.out, ran.err) == (0, "one\nthree", "two\n")


def test_a_status_is_the_commands_own(remote: Remote) -> None:
    """Also that of one that a signal ended; one that failed is an error, unless that is no matter."""
    assert remote.run(["sh", "-c", "exit 7"], check=False).status == 7
    assert remote.run(["sh", "-c", "kill -TERM $$"], check=False).status == 143
    with pytest.raises(RemoteCommandFailed, match="status 3") as caught:
        remote.run(["sh", "-c", "echo the reason >&2; exit 3"])
    assert caught.value.why == "the reason"


def test_input_reaches_it(remote: Remote) -> None:
    """Byte for byte, and then there is no more."""
    data = bytes(range(256)) * 4000
    assert remote.run(["sha256sum"], input=data).out.split()[0] == hashlib.sha256(data).hexdigest()


def test_a_file_is_put_whole_or_not_at_all(remote: Remote, short_folder: Path, tmp_path: Path) -> None:
    """With its mode, over one that is there; where it cannot be, nothing is left of it."""
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_000))
    target = short_folder / "it's a file"
    target.write_text("before")
    counted: list[int] = []
    remote.put(source, str(target), mode=0o750, tell=counted.append)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o7777 == 0o750
    assert sum(counted) == 3_000_000
    (short_folder / "folder").mkdir()
    with pytest.raises(RemoteCommandFailed):
        remote.put(b"x", str(short_folder / "folder"))
    with pytest.raises(RemoteCommandFailed, match="could not be written"):
        remote.put(b"x", str(short_folder / "missing" / "file"))
    assert {path.name for path in short_folder.iterdir()} >= {target.name, "folder"}
    assert not list(short_folder.rglob("*.part"))


def test_what_system_it_is(remote: Remote) -> None:
    """As /etc/os-release says it, without the quotes."""
    found = remote.os_release()
    assert found["PRETTY_NAME"] in Path("/etc/os-release").read_text()
    assert found["ID"].isalnum()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who signs in to the sshd under test")
def test_root_needs_no_sudo(remote: Remote) -> None:
    """Whoever signs in as root runs everything as root."""
    assert remote.run(["id", "-u"], sudo=True).out == "0\n"


def test_a_connection_that_breaks_is_no_success(remote: Remote, sshd: Sshd) -> None:
    """A command whose end nobody saw has not succeeded."""
    with pytest.raises(ServerUnreachable, match="broke"):
        remote.run(["sh", "-c", "echo here; sleep 60"], tell=lambda _: sshd.cut())
