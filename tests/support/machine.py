"""A real Debian machine to try things on: systemd as PID 1, a disk, a network and processes of its own.

with machine_of("trixie") as machine:
    machine.do("apt-get install --yes nftables")
    machine.power_cut()
    machine.boot()
"""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from support import machine_ground
from support.machine_base import CACHE, base_of
from support.machine_furniture import furnish, keep_downloads
from support.machine_ground import Ground
from support.platform import Outcome, wait_for

#: A command as its words, or as text for a shell.
Command = str | Sequence[str]

BOOT_TIMEOUT = 60.0
COMMAND_TIMEOUT = 180.0
#: systemd-nspawn ends with it when the machine wants to be started again.
_REBOOT = 133
#: systemd takes them as PID 1: poweroff.target.
_POWER_OFF = signal.SIGRTMIN + 4
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}
#: Those that exist, of this process: what a failed test reports on.
ALIVE: list[Machine] = []
_JOIN_GROUPS = 'for group in $1; do echo $$ >"$group/cgroup.procs"; done; shift; exec "$@"'


@dataclass
class Machine:
    """A machine that exists, running or not. ``boot`` it first; ``destroy`` leaves nothing of it."""

    suite: str
    ground: Ground
    #: Directories of this computer that it sees, by the path there: read-only, or to be written to.
    reads: Mapping[str, Path] = field(default_factory=dict)
    writes: Mapping[str, Path] = field(default_factory=dict)
    _nspawn: subprocess.Popen[bytes] | None = None
    _leader: int = 0

    @property
    def address(self) -> str:
        """Where it is reached from this computer; it reaches this computer at ``ground.here``."""
        return str(self.ground.address)

    @property
    def name(self) -> str:
        """Its host name."""
        return self.ground.host_name

    @property
    def is_running(self) -> bool:
        return self._nspawn is not None and self._nspawn.poll() is None

    @property
    def key(self) -> Path:
        """The private key that root of the machine accepts."""
        return self.ground.key

    @property
    def known_hosts(self) -> Path:
        """A file in the form of OpenSSH's known_hosts with the machine's own key."""
        return self.ground.known_hosts

    # Power

    def boot(self) -> None:
        """Start it, until systemd has started all it wants to and SSH answers."""
        assert not self.is_running, f"{self.name} runs already"
        with (self.ground.folder / "console.log").open("ab") as console:
            self._nspawn = subprocess.Popen(
                self._boot_words(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        self._leader = wait_for(self._find_leader, f"{self.name} starts\n{self.console()}", BOOT_TIMEOUT)
        wait_for(self._is_up, f"{self.name} is up\n{self.console()}", BOOT_TIMEOUT)
        wait_for(self._ssh_answers, f"SSH of {self.name} answers\n{self.console()}", BOOT_TIMEOUT)

    def reboot(self) -> None:
        """As ``reboot`` does it: services are stopped, then everything starts anew from the disk."""
        self.run("systemctl reboot")
        self.rebooted()

    def rebooted(self) -> None:
        """Start it again after something inside asked for a reboot; waits for that."""
        status = self._end_of_nspawn()
        assert status == _REBOOT, f"{self.name} ended with {status} instead of wanting to reboot\n{self.console()}"
        self.boot()

    def shut_down(self) -> None:
        """Stop its services and switch it off."""
        os.kill(self._leader, _POWER_OFF)
        self._end_of_nspawn()

    def power_cut(self) -> None:
        """Switch it off as a pulled plug does: every process is gone at once, nobody is told. The disk stays.

        What was written without fsync stays too, as this computer keeps it: a real disk may lose it.
        """
        self.ground.kill()
        self._end_of_nspawn()

    def destroy(self) -> None:
        """Remove it with its disk, whatever state it is in; unless it is to be kept."""
        if self._keep_file.exists():
            return
        self.ground.kill()
        if self._nspawn is not None:
            self._end_of_nspawn()
        ALIVE.remove(self)
        keep_downloads(self.ground, self.suite)
        machine_ground.release(self.ground)

    def keep(self) -> None:
        """Leave it as it is, for a person to look into: ``destroy`` does nothing while the file ``keep`` is there."""
        self._keep_file.touch()

    # Commands

    def run(
        self,
        command: Command,
        *,
        user: str = "root",
        stdin: str | bytes = "",
        timeout: float = COMMAND_TIMEOUT,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run a command to its end as a user of the machine, whatever that end is; no login, no SSH: some 20 ms.

        What it leaves running in the background is not waited for. Raises TimeoutExpired.
        """
        words = ["sh", "-c", command] if isinstance(command, str) else list(command)
        if user != "root":
            words = ["runuser", "--user", user, "--", *words]
        variables = [f"{name}={value}" for name, value in {**_ENVIRONMENT, **(env or {})}.items()]
        words = ["timeout", "--kill-after=2", str(timeout), *words]
        return _run([*self._enter(), "env", "-i", *variables, *words], stdin, timeout + 5)

    def do(
        self, command: Command, *, user: str = "root", stdin: str | bytes = "", timeout: float = COMMAND_TIMEOUT
    ) -> str:
        """Run a command that has to succeed; its output."""
        return self._succeeded(command, self.run(command, user=user, stdin=stdin, timeout=timeout)).out

    def ssh(
        self, command: str, *, user: str = "root", stdin: str | bytes = "", timeout: float = COMMAND_TIMEOUT
    ) -> Outcome:
        """Run a command through SSH, with a login as PAM makes it; some 300 ms."""
        return _run([*self.ssh_words(user), command], stdin, timeout)

    def ssh_words(self, user: str = "root") -> list[str]:
        """What to put before a command to run it in the machine through OpenSSH; no file of the person's is read."""
        options = [f"UserKnownHostsFile={self.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
        flags = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", "-i", str(self.key), *flags, f"{user}@{self.address}"]

    # Files

    def put(self, source: Path, target: str) -> None:
        """Copy a file or a directory to that path, as root's; folders above it are made, what is there is replaced."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(source, arcname=Path(target).name, filter=_as_root)
        parent = str(Path(target).parent)
        self.do(["sh", "-c", 'mkdir -p "$1" && tar -x -C "$1"', "sh", parent], stdin=packed.getvalue())

    def write(self, target: str, text: str, mode: int = 0o644) -> None:
        """Make a file of root's with this text."""
        self.do(["sh", "-c", 'cat >"$1" && chmod "$2" "$1"', "sh", target, f"{mode:o}"], stdin=text)

    def read(self, path: str) -> str:
        """The text of a file."""
        return self.do(["cat", path])

    # Looking into it

    def journal(self, unit: str = "") -> str:
        """The last lines that a unit, or everything, wrote; also of a machine that is off."""
        words = ["journalctl", "--no-pager", "--lines=200", *([f"--unit={unit}"] if unit else [])]
        if self.is_running:
            return self.run(words).text
        words.append(f"--directory={self.ground.root}/var/log/journal")
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def console(self) -> str:
        """What it printed on its console while it booted."""
        return (self.ground.folder / "console.log").read_text(errors="replace")[-3000:]

    def report(self) -> str:
        """What a person wants to see of it after a failed test."""
        failed = self.run("systemctl --failed --no-pager --plain").out if self.is_running else "it is off"
        return f"{self.name} ({self.suite}, {self.address})\n{failed}\n{self.journal()}"

    def how_to_enter(self) -> str:
        """What a person types to get a shell in it, and to let it go when it was kept."""
        return f"nsenter --target {self._leader} --all --root --wd bash -l\nrm {self._keep_file}"

    # Below

    @property
    def _keep_file(self) -> Path:
        return self.ground.folder / "keep"

    def _boot_words(self) -> list[str]:
        words = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no"]
        words += [f"--directory={self.ground.root}", f"--machine={self.name}", "--resolv-conf=off", "--timezone=off"]
        # As on a real server: firewalls are set up in it. Its network namespace is its own, so they reach no further.
        words += ["--capability=CAP_NET_ADMIN", "--console=pipe"]
        # Apps are confined by it, as the kernel of a real server allows.
        words.append("--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self")
        words += [f"--bind-ro={here}:{there}" for there, here in self.reads.items()]
        words += [f"--bind={here}:{there}" for there, here in self.writes.items()]
        groups = " ".join(map(str, self.ground.cgroups))
        return ["sh", "-c", _JOIN_GROUPS, "sh", groups, "nsenter", f"--net={self.ground.namespace}", *words]

    def _enter(self) -> list[str]:
        """Words that make a process one of the machine's, in the control group of its PID 1."""
        groups = " ".join(str(group) for tree in self.ground.cgroups if (group := self._group_of_leader(tree)))
        into = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]
        return ["sh", "-c", _JOIN_GROUPS, "sh", groups, "nsenter", f"--target={self._leader}", *into]

    def _group_of_leader(self, tree: Path) -> Path | None:
        found = (file.parent for file in tree.rglob("cgroup.procs") if str(self._leader) in file.read_text().split())
        return next(found, None)

    def _find_leader(self) -> int:
        """The id here of the process that is PID 1 in there."""
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, f"{self.name} ended with {self._nspawn.returncode}\n{self.console()}"
        for child in psutil.Process(self._nspawn.pid).children(recursive=True):
            if child.is_running() and _inner_pids(child.pid)[-1:] == ["1"]:
                return child.pid
        return 0

    def _is_up(self) -> bool:
        assert self.is_running, f"{self.name} ended while it booted\n{self.console()}"
        state = self.run("systemctl is-system-running --wait", timeout=BOOT_TIMEOUT).out.strip()
        return state in ("running", "degraded")

    def _ssh_answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _end_of_nspawn(self) -> int:
        assert self._nspawn is not None, f"{self.name} was not booted"
        return self._nspawn.wait(timeout=BOOT_TIMEOUT)

    def _succeeded(self, command: Command, outcome: Outcome) -> Outcome:
        assert outcome.status == 0, f"in {self.name}: {command}: {outcome.status}\n{outcome.text[-5000:]}"
        return outcome


@contextmanager
def machine_of(
    suite: str,
    *,
    reads: Mapping[str, Path] | None = None,
    disk_megabytes: int | None = None,
    with_network: bool = True,
    over: Path | None = None,
) -> Iterator[Machine]:
    """A booted machine, destroyed at the end.

    ``reads`` are directories of this computer that it sees, by their path there. Of its disk ``disk_megabytes`` can be
    written to; without a number it is as large as this computer's. ``with_network=False`` cuts it off from all but this
    computer. ``over`` is what another machine of this Debian wrote, by ``disk_of``; that one has to be off for good.
    """
    machine = make_machine(suite, reads=reads, disk_megabytes=disk_megabytes, with_network=with_network, over=over)
    try:
        machine.boot()
        yield machine
    finally:
        machine.destroy()


def make_machine(
    suite: str,
    *,
    reads: Mapping[str, Path] | None = None,
    disk_megabytes: int | None = None,
    with_network: bool = True,
    over: Path | None = None,
) -> Machine:
    """A machine that is switched off. The caller destroys it."""
    base = base_of(suite)
    ground = machine_ground.claim()
    pip_cache = CACHE / "pip"
    pip_cache.mkdir(exist_ok=True)
    machine = Machine(suite, ground, reads or {}, {"/root/.cache/pip": pip_cache})
    try:
        machine_ground.mount_disk(ground, [*([over] if over else []), base], disk_megabytes)
        machine_ground.set_way_out(ground, is_open=with_network)
        furnish(ground, suite)
    except BaseException:
        machine_ground.release(ground)
        raise
    ALIVE.append(machine)
    return machine


def _run(words: list[str], stdin: str | bytes, timeout: float) -> Outcome:
    """Into files instead of pipes: a pipe ends only when whatever the command left running ends."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode() if isinstance(stdin, str) else stdin)
        given.seek(0)
        done = subprocess.run(words, stdin=given, stdout=out, stderr=err, timeout=timeout, check=False)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Outcome(done.returncode, *texts)


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _inner_pids(process: int) -> list[str]:
    """A process's ids in the nested namespaces that it is in, outermost first; empty if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return []
    return next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
