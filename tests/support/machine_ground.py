"""What a test machine stands on here: a number, a folder, a network of its own with a way out, and control groups.

All of it is found again by the number alone, so that what a killed test run left can be cleared by the next.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import psutil

from support.machine_base import CACHE
from support.platform import wait_for

#: Every machine has four addresses of it: the network's, this computer's, its own, and the broadcast's.
NETWORK = IPv4Network("10.77.0.0/16")
_TABLE = "potions-machines"
_PREFIX = "potions-m"
_TIMEOUT = 20.0
#: Numbers are given out once for the whole computer, wherever a run keeps its machines.
_SHARED = Path("/run/potions-machines")
#: The trees of control groups that systemd needs: two where the kernel has the old kind and the new, else the new one.
_CGROUPS = tuple(
    path for path in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified")) if path.is_dir()
) or (Path("/sys/fs/cgroup"),)


@dataclass(frozen=True)
class Ground:
    """The place of one machine on this computer."""

    number: int

    @property
    def name(self) -> str:
        """Of its network namespace, its control groups and its interface here; at most 15 bytes."""
        return f"{_PREFIX}{self.number}"

    @property
    def host_name(self) -> str:
        return f"machine{self.number}"

    @property
    def key(self) -> Path:
        """The private key that root of the machine accepts."""
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        """A file in the form of OpenSSH's known_hosts with the machine's own key."""
        return self.folder / "known_hosts"

    @property
    def folder(self) -> Path:
        return CACHE / "running" / str(self.number)

    @property
    def root(self) -> Path:
        """Where the machine's file system is mounted; what it mounts itself (/tmp, /run) is not seen there."""
        return self.folder / "root"

    @property
    def here(self) -> IPv4Address:
        """This computer's address in the machine's network."""
        return NETWORK[self.number * 4 + 1]

    @property
    def address(self) -> IPv4Address:
        """The machine's own address."""
        return NETWORK[self.number * 4 + 2]

    @property
    def namespace(self) -> Path:
        return Path("/run/netns") / self.name

    @property
    def cgroups(self) -> tuple[Path, ...]:
        return tuple(tree / self.name for tree in _CGROUPS)

    def processes(self) -> list[int]:
        """The ids, as this computer counts, of everything that runs in the machine."""
        files = (file for group in self.cgroups for file in group.rglob("cgroup.procs"))
        return sorted({int(line) for file in files for line in _lines(file)})

    def kill(self) -> None:
        """End everything in the machine at once, as a lack of power does."""
        wait_for(self._is_dead, f"everything in {self.name} is dead", _TIMEOUT)

    def _is_dead(self) -> bool:
        left = self.processes()
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return not left


def claim() -> Ground:
    """A place that nobody has, with its network and control groups; what dead test runs left is cleared first."""
    with _locked():
        _clear_abandoned()
        _open_the_way_out()
        ground = _next_free()
        _act("ip", "netns", "add", ground.name)
        ground.folder.mkdir(parents=True)
        own = psutil.Process()
        (ground.folder / "owner").write_text(json.dumps([own.pid, own.create_time()]))
        _connect(ground)
    for group in ground.cgroups:
        group.mkdir()
    return ground


def release(ground: Ground) -> None:
    """Remove everything of the place, whatever state it is in."""
    with _locked():
        _clear(ground)
        if not any(Path("/run/netns").glob(f"{_PREFIX}*")):
            _act("nft", "delete", "table", "ip", _TABLE)


def disk_of(ground: Ground) -> Path:
    """What the machine wrote, as a layer to put others over."""
    return ground.folder / "disk" / "upper"


def mount_disk(ground: Ground, layers_below: Sequence[Path], megabytes: int | None) -> None:
    """Put a disk over these layers, the upper ones first, which stay as they are.

    It is a directory here, or one that is full after so many megabytes.
    """
    disk = ground.folder / "disk"
    disk.mkdir()
    if megabytes is not None:
        _act("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "potions-machine", str(disk))
    for path in (disk_of(ground), disk / "work", ground.root):
        path.mkdir()
    layers = f"lowerdir={':'.join(map(str, layers_below))},upperdir={disk_of(ground)},workdir={disk / 'work'}"
    _act("mount", "-t", "overlay", "-o", layers, "potions-machine", str(ground.root))


def set_way_out(ground: Ground, *, is_open: bool) -> None:
    """Let the machine reach what lies beyond this computer, or no longer."""
    words = ("replace", "default", "via", str(ground.here)) if is_open else ("flush", "default")
    _act("ip", "-n", ground.name, "route", *words)


def _next_free() -> Ground:
    """In turn, so that a number means another machine only long after: whoever remembers one is not misled."""
    note = _SHARED / "last-number"
    last = int(note.read_text()) if note.exists() else 0
    count = NETWORK.num_addresses // 4
    grounds = (Ground((last + step) % count) for step in range(1, count))
    ground = next(ground for ground in grounds if not (ground.namespace.exists() or ground.folder.exists()))
    note.write_text(str(ground.number))
    return ground


def _connect(ground: Ground) -> None:
    _act("ip", "link", "add", ground.name, "type", "veth", "peer", "name", "eth0", "netns", ground.name)
    _act("ip", "address", "add", f"{ground.here}/30", "dev", ground.name)
    _act("ip", "link", "set", ground.name, "up")
    _act("ip", "-n", ground.name, "address", "add", f"{ground.address}/30", "dev", "eth0")
    _act("ip", "-n", ground.name, "link", "set", "lo", "up")
    _act("ip", "-n", ground.name, "link", "set", "eth0", "up")


def _open_the_way_out() -> None:
    """Packets of machines go out under this computer's address. The last machine removes the table."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    rules = f"""
        add table ip {_TABLE}
        flush table ip {_TABLE}
        table ip {_TABLE} {{
            chain outward {{
                type nat hook postrouting priority srcnat;
                ip saddr {NETWORK} ip daddr != {NETWORK} masquerade
            }}
        }}
    """
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, capture_output=True)


def _clear_abandoned() -> None:
    for folder in (CACHE / "running").glob("*"):
        if not _is_owned(folder):
            _clear(Ground(int(folder.name)))


def _clear(ground: Ground) -> None:
    ground.kill()
    for group in ground.cgroups:
        _remove_group(group)
    for mounted in (ground.root, ground.folder / "disk"):
        if mounted.is_mount():
            _act("umount", str(mounted))
    # Not left to go with its other end: the kernel clears a namespace up some time after it was deleted.
    if Path("/sys/class/net", ground.name).exists():
        _act("ip", "link", "del", ground.name)
    if ground.namespace.exists():
        _act("ip", "netns", "del", ground.name)
    shutil.rmtree(ground.folder)


def _is_owned(folder: Path) -> bool:
    """Whether the process that made the machine still runs, or a person wanted to keep it."""
    if (folder / "keep").exists():
        return True
    try:
        process, since = json.loads((folder / "owner").read_text())
        return bool(psutil.Process(process).create_time() == since)
    except (OSError, ValueError, psutil.Error):
        return False


def _remove_group(group: Path) -> None:
    """A control group and those in it, deepest first; it is busy for a moment after its last process ended."""
    folders = [*sorted(group.rglob("*/"), key=lambda path: -len(path.parts)), group] if group.exists() else []
    for folder in folders:
        wait_for(partial(_is_removed, folder), f"{folder} is removed", _TIMEOUT)


def _is_removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _act(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def _locked() -> Iterator[None]:
    _SHARED.mkdir(exist_ok=True)
    with (_SHARED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
