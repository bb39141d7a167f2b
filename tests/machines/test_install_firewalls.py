"""A server on which somebody has a firewall already, or wants none."""

from __future__ import annotations

import socket

from support.installed import POTIONS, install
from support.machine import Machine
from support.server import InstalledServer


def is_open(machine: Machine, port: int) -> bool:
    """Whether somebody from outside may connect."""
    try:
        socket.create_connection((machine.address, port), timeout=2).close()
    except OSError:
        return False
    return True


def test_ufw_keeps_being_the_only_firewall(fresh_server: InstalledServer) -> None:
    """The ports are opened in it, and the table that was made before it goes."""
    machine = fresh_server.machine
    machine.do("apt-get update && apt-get install --yes --no-install-recommends ufw", timeout=600)
    machine.do("ufw allow 22/tcp && ufw --force enable")
    done = install(machine, program=POTIONS)
    assert done.status == 0, done.text
    assert "ufw does not let 443/udp in" in done.out
    assert "inet potions" not in machine.do("nft list tables")
    machine.do("systemd-run --quiet --unit=listen-9999 python3 -m http.server 9999")
    assert [is_open(machine, port) for port in (22, 80, 9999)] == [True, True, False]
    assert install(machine, "--check", program=POTIONS).status == 0


def test_without_a_firewall_none_is_left(fresh_server: InstalledServer) -> None:
    """That is remembered by later installs, until one is wanted again."""
    machine = fresh_server.machine
    assert install(machine, "--no-firewall", program=POTIONS).status == 0
    assert "inet potions" not in machine.do("nft list tables")
    assert machine.run("ls /etc/potions/firewall.nft").status != 0
    assert install(machine, "--check", program=POTIONS).status == 0
    assert install(machine, "--firewall", program=POTIONS).status == 0
    assert "inet potions" in machine.do("nft list tables")
