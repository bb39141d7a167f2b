"""The machines themselves: they are real enough to prove something, apart from each other, and leave nothing behind."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.machine import Machine, machine_of, make_machine
from support.machine_base import SUITES, base_of
from support.machine_ground import Ground, claim, release

WRITE_AND_SYNC = """
import os
for number in range(10**9):
    with open(f"/srv/{number}", "w") as file:
        file.write(str(number))
        file.flush()
        os.fsync(file.fileno())
    print(number, flush=True)
"""


ABANDON = """
from support.machine import make_machine
machine = make_machine("bookworm")
machine.boot()
print(machine.ground.number, flush=True)
input()
"""
GREET = """
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/echo hello from greet
[Install]
WantedBy=multi-user.target
"""


def traces(ground: Ground) -> list[str]:
    """Whatever of a machine can still be seen on this computer."""
    shown = [
        subprocess.run(words, capture_output=True, text=True, check=True).stdout
        for words in (["ip", "netns"], ["ip", "-brief", "link"], ["cat", "/proc/mounts"], ["ps", "-eo", "args"])
    ]
    lines = [line for text in shown for line in text.splitlines()]
    marks = (f"{ground.name} ", f"{ground.name}@", str(ground.folder), f"--machine=machine{ground.number} ")
    left = [line for line in lines if any(mark in f"{line} " for mark in marks)]
    return left + [str(path) for path in (*ground.cgroups, ground.folder, ground.namespace) if path.exists()]


@pytest.mark.parametrize("suite", SUITES)
def test_a_machine_is_a_debian_with_systemd_and_ssh(machine: Machine, suite: str) -> None:
    """Its PID 1 is systemd, nothing failed while it booted, and SSH lets root in with the key."""
    assert f"VERSION_CODENAME={suite}" in machine.read("/etc/os-release")
    assert machine.read("/proc/1/comm") == "systemd\n"
    assert machine.do("systemctl is-system-running") == "running\n"
    came = machine.ssh("hostname; id -un; echo $SSH_CONNECTION; exit 3")
    assert (came.status, came.err) == (3, "")
    assert came.out.split()[:3] == [machine.name, "root", str(machine.ground.here)]


@pytest.mark.parametrize("suite", SUITES)
def test_the_product_finds_nothing_that_it_has_to_bring_itself(machine: Machine) -> None:
    """A small server's image has no venv, no nftables, no automatic updates, and no settings of this computer's."""
    assert machine.run("python3 -m venv /tmp/venv").status != 0
    assert machine.run("command -v nft pip unattended-upgrade").status != 0
    assert machine.run("ls /etc/pip.conf /root/.config").status != 0


@pytest.mark.parametrize("suite", SUITES)
def test_packages_can_be_installed_and_firewalls_set_up(machine: Machine) -> None:
    """It reaches Debian's mirror and the index of Python packages, and its firewall is its own."""
    machine.do("apt-get update && apt-get install --yes --no-install-recommends nftables python3-venv")
    machine.do("nft add table inet of-the-machine")
    assert machine.do("nft list tables").split() == ["table", "inet", "of-the-machine"]
    here = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert "of-the-machine" not in here
    machine.do(
        "python3 -m venv /opt/venv && /opt/venv/bin/pip install msgspec && /opt/venv/bin/python -c 'import msgspec'"
    )


def test_a_machine_without_network_reaches_only_this_computer() -> None:
    """As a server whose way out is broken."""
    with machine_of("bookworm", with_network=False) as machine:
        assert machine.ssh("true").status == 0
        assert machine.run("apt-get update --error-on=any", timeout=60).status != 0


def test_how_a_command_ended_is_told(machine: Machine) -> None:
    """Its status, both its outputs, what it is given, whose it is; one that takes too long is ended."""
    done = machine.run("cat; echo wrong >&2; exit 7", stdin="given")
    assert (done.status, done.out, done.err) == (7, "given", "wrong\n")
    assert machine.run(["printf", "%s", "a b$HOME"]).out == "a b$HOME"
    assert machine.do("id -un", user="nobody") == "nobody\n"
    assert "/init.scope" in machine.do("cat /proc/self/cgroup")
    assert machine.run("sleep 60", timeout=0.2).status == 124
    assert machine.run("sleep 60 & echo started", timeout=10).out == "started\n"
    with pytest.raises(AssertionError, match="no-such-file"):
        machine.do(["cat", "/no-such-file"])


def test_files_are_copied_in(machine: Machine, tmp_path: Path) -> None:
    """A file under another name, or a directory with all below it; they are root's."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_text("text")
    (tmp_path / "below" / "file").chmod(0o750)
    machine.put(tmp_path, "/srv/new/folder")
    machine.put(tmp_path / "below" / "file", "/tmp/other")
    assert machine.read("/tmp/other") == machine.read("/srv/new/folder/below/file") == "text"
    assert machine.do("stat -c '%U:%G %a' /tmp/other") == "root:root 750\n"
    machine.write("/etc/secret", "it", mode=0o600)
    assert machine.do("stat -c %a /etc/secret; cat /etc/secret") == "600\nit"


@pytest.mark.parametrize("suite", SUITES)
def test_a_reboot_keeps_the_disk_and_starts_what_is_enabled(machine: Machine) -> None:
    """What was in memory is gone, what was on the disk is there, another boot has begun."""
    machine.write("/etc/systemd/system/greet.service", GREET)
    machine.do("systemctl enable greet && echo kept >/srv/kept && echo lost >/run/lost")
    boot = machine.read("/proc/sys/kernel/random/boot_id"), machine.do("journalctl --list-boots | wc -l")
    machine.reboot()
    assert machine.read("/srv/kept") == "kept\n"
    assert machine.run("cat /run/lost").status != 0
    assert machine.do("systemctl is-active greet") == "active\n"
    assert "hello from greet" in machine.journal("greet")
    assert machine.do("journalctl --list-boots | wc -l") != boot[1]
    assert machine.ssh("true").status == 0


def test_a_power_cut_loses_nothing_that_was_synced(machine: Machine) -> None:
    """Everything stops at once, without a word to any service; then the machine boots from the same disk."""
    machine.write("/etc/systemd/system/tell.service", GREET + "\n[Service]\nExecStop=/bin/touch /srv/was-told\n")
    machine.do("systemctl start tell")
    words = [*machine.ssh_words(), "python3", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writing:
        assert writing.stdin and writing.stdout
        writing.stdin.write(WRITE_AND_SYNC.encode())
        writing.stdin.close()
        synced = [int(writing.stdout.readline()) for _ in range(50)]
        machine.power_cut()
        assert not machine.is_running
        assert machine.ground.processes() == []
        synced += [int(line) for line in writing.stdout if line.endswith(b"\n")]
        writing.kill()
    assert "Started ssh.service" in machine.journal("ssh")
    machine.boot()
    kept = {int(line) for line in machine.do("ls /srv").split()}
    assert set(synced) <= kept
    assert machine.do("cd /srv && cat 0 1 2") == "012"


def test_a_machine_can_be_switched_off(machine: Machine) -> None:
    """Its services are stopped first."""
    machine.write("/etc/systemd/system/tell.service", GREET + "\n[Service]\nExecStop=/bin/touch /srv/was-told\n")
    machine.do("systemctl start tell")
    machine.shut_down()
    machine.boot()
    assert machine.read("/srv/was-told") == ""


def test_two_machines_are_apart(make_machine: Callable[..., Machine]) -> None:
    """Neither sees the other's processes, files or name; by the network they reach each other."""
    one, other = make_machine("bookworm"), make_machine("trixie")
    one.do("echo one >/srv/mine; systemd-run --unit=mine sleep 9999")
    assert "sleep 9999" in one.do("ps -eo args")
    assert "sleep 9999" not in other.do("ps -eo args")
    assert other.run("cat /srv/mine").status != 0
    assert one.do("hostname") != other.do("hostname")
    assert one.read("/etc/machine-id") != other.read("/etc/machine-id")
    other.do(["ping", "-c1", "-W5", one.address])
    one.power_cut()
    assert other.do("systemctl is-system-running") == "running\n"


def test_a_small_disk_is_full_when_it_is_full() -> None:
    """As on a server without room."""
    with machine_of("bookworm", disk_megabytes=64) as machine:
        full = machine.run("dd if=/dev/zero of=/srv/big bs=1M count=100")
        assert "No space left on device" in full.err
        assert int(machine.do("df --output=avail -m / | tail -1")) < 5


@pytest.mark.parametrize("end", ["running", "power cut", "never booted", "broken"])
def test_nothing_is_left_of_a_destroyed_machine(end: str) -> None:
    """Whatever state it was in: no process, mount, interface, namespace, control group or file."""
    machine = make_machine("bookworm")
    try:
        assert traces(machine.ground)
        if end != "never booted":
            machine.boot()
            machine.do("systemd-run --slice=deep-deeper sleep 9999")
        if end == "power cut":
            machine.power_cut()
        if end == "broken":
            machine.run("systemctl stop ssh dbus.socket dbus; rm -rf /usr/lib/systemd")
    finally:
        machine.destroy()
    assert traces(machine.ground) == []


def test_what_a_killed_run_left_is_cleared_by_the_next() -> None:
    """A test run that was killed cannot clear up; nobody has to do it by hand."""
    words = [sys.executable, "-c", ABANDON]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout
        ground = Ground(int(run.stdout.readline()))
        os.kill(run.pid, signal.SIGKILL)
    assert traces(ground)
    release(claim())
    assert traces(ground) == []


def test_a_machine_can_be_kept(machine: Machine) -> None:
    """For a person to look into, until they let it go."""
    machine.keep()
    machine.destroy()
    assert machine.do("hostname") == f"{machine.name}\n"
    enter, let_go = machine.how_to_enter().splitlines()
    seen = subprocess.run([*shlex.split(enter), "-c", "hostname"], capture_output=True, text=True, check=True)
    assert seen.stdout == f"{machine.name}\n"
    subprocess.run(shlex.split(let_go), check=True)


def test_a_machine_changes_nothing_of_its_base(machine: Machine) -> None:
    """The next machine starts from the same."""
    machine.do("rm -rf /usr/share/doc; touch /srv/changed; passwd -d root")
    base = base_of("bookworm")
    assert (base / "usr/share/doc").is_dir()
    assert not (base / "srv/changed").exists()
