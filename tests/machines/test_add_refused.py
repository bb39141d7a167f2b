"""`potions server add` of a computer that cannot be a server, or not yet: it is told, and nothing is left there."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.laptop import Laptop
from support.machine import Machine
from support.platform import wait_for

MakeMachine = Callable[..., Machine]


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop")


def let_in(machine: Machine, laptop: Laptop) -> str:
    """The machine's root accepts the laptop's key, and the laptop knows the machine; what to add."""
    key = laptop.key.with_name(f"{laptop.key.name}.pub").read_text()
    machine.do("cat >>/root/.ssh/authorized_keys", stdin=key)
    (laptop.ssh / "known_hosts").write_bytes(machine.known_hosts.read_bytes())
    return f"root@{machine.address}"


def is_untouched(machine: Machine) -> None:
    """There is nothing of Potions, and nothing temporary."""
    assert machine.do("find /root /usr/local /opt /etc /var/lib -name '*potions*'") == ""
    assert machine.do("ls -A /tmp | grep -v -e systemd-private -e unix || true") == ""


def test_another_system_is_refused_before_anything_is_sent(machine: Machine, laptop: Laptop) -> None:
    """With the words of the install, and its exit status."""
    address = let_in(machine, laptop)
    machine.do("rm /etc/os-release")
    machine.write("/etc/os-release", 'ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"\n')
    refused = laptop.refused("server", "add", address)
    assert refused.status == 1
    assert "Fedora Linux 40 cannot be a Potions server." in refused.err
    assert laptop.json("server", "list") == []
    is_untouched(machine)


def test_without_a_network_apt_says_why(make_machine: MakeMachine, laptop: Laptop) -> None:
    """With its last lines, and what to do."""
    machine = make_machine(with_network=False)
    refused = laptop.refused("server", "add", let_in(machine, laptop))
    assert refused.status == 1
    assert "Error: apt cannot" in refused.err
    assert "Run this again" in refused.err
    is_untouched(machine)


def test_who_is_no_root_and_has_no_sudo_is_refused(machine: Machine, laptop: Laptop) -> None:
    """Nobody's password is asked for."""
    let_in(machine, laptop)
    machine.do("useradd --create-home --shell /bin/bash berta && cp -r /root/.ssh /home/berta/ && rm /usr/bin/sudo")
    machine.do("chown -R berta: /home/berta/.ssh")
    refused = laptop.refused("server", "add", f"berta@{machine.address}")
    assert "berta is not root" in refused.err
    assert f"root@{machine.address}" in refused.err
    is_untouched(machine)


def test_a_lost_connection_ends_nothing_and_refusals_come_through(machine: Machine, laptop: Laptop) -> None:
    """What was begun goes on there and the next one waits for it; a taken port is told as the install tells it."""
    address = let_in(machine, laptop)
    machine.do("systemd-run --quiet --unit=of-somebody-else python3 -m http.server 80")
    wait_for(lambda: machine.run("curl --silent http://127.0.0.1/").status == 0, "it listens")
    with laptop.adding(address) as adding:
        adding.until("pip gets what Potions needs")
        adding.send_signal(signal.SIGKILL)
    with laptop.adding(address) as adding:
        adding.until("Another install runs there; waiting for its end.")
        adding.until("pip gets what Potions needs")
        told = adding.rest()
        assert adding.status() == 1, told
    assert "Port 80 is taken: python3" in told
    assert "sudo systemctl disable --now of-somebody-else.service" in told
    assert laptop.json("server", "list") == []
    is_untouched(machine)
