"""The bases of test machines: Debian roots made once by mmdebstrap, kept outside the repository, never booted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITES = ("bookworm", "trixie")

#: Where bases, machines and what they share of downloads are kept.
CACHE = Path(os.environ.get("POTIONS_MACHINES", "/var/cache/potions-machines"))
#: Programs a machine is made with, and the Debian package of each.
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
}

#: What the image of a small rented server has. What Potions itself has to install is not among it: python3-venv,
#: nftables, unattended-upgrades.
_PACKAGES = (
    *("systemd", "systemd-sysv", "libpam-systemd", "dbus", "openssh-server", "ca-certificates", "python3", "iproute2"),
    *("procps", "sudo", "iputils-ping", "curl", "less", "netbase", "passwd", "adduser", "login", "tzdata", "vim-tiny"),
)
#: Units that would touch the computer the machine runs on, or wait for hardware that is not there.
_MASKED = (
    "systemd-udevd.service",
    "systemd-networkd-wait-online.service",
    "getty@tty1.service",
    "console-getty.service",
)
_CHECKS = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")


class BaseNotMade(Exception):
    """mmdebstrap failed, or this computer names no mirror of Debian."""


def what_is_lacking() -> str:
    """Why no machine can run here; empty if one can."""
    if os.geteuid() != 0:
        return "needs root: a machine has a network and control groups of its own"
    missing = sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    if missing:
        return f"needs {' '.join(missing)}: scripts/install_test_tools machines installs them, as root"
    return ""


def base_of(suite: str) -> Path:
    """The root directory of this Debian; made now (some 20 s and 250 MB) unless it is there.

    Raises BaseNotMade. Who asks while another process makes it waits for that.
    """
    sources = "\n".join(_sources(suite))
    recipe = hashlib.sha256("\n".join((sources, *_PACKAGES, *_MASKED)).encode()).hexdigest()[:12]
    base = CACHE / "bases" / f"{suite}-{recipe}"
    with locked(CACHE / "bases" / f"{suite}.lock"):
        if not base.exists():
            _make(suite, sources, base)
    return base


@contextmanager
def locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(suite: str, sources: str, base: Path) -> None:
    new = base.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    words = ["mmdebstrap", "--variant=minbase", "--include=" + ",".join(_PACKAGES)]
    words += [f'--aptopt={key} "{value}"' for key, value in _checks().items()]
    done = subprocess.run([*words, suite, str(new), "-"], input=sources, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BaseNotMade(f"mmdebstrap made no {suite}:\n{done.stderr[-3000:]}")
    _finish(new)
    new.rename(base)


def _finish(root: Path) -> None:
    """What every machine makes for itself is not in the base; nothing in it waits for hardware."""
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name in ("etc/machine-id", "var/lib/dbus/machine-id", "etc/hostname", "etc/resolv.conf"):
        (root / name).unlink(missing_ok=True)
    for unit in _MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")


def _checks() -> dict[str, str]:
    """What this computer says about the age of its mirror's lists: one that is a snapshot is as old as it is."""
    dumped = subprocess.run(["apt-config", "dump", *_CHECKS], capture_output=True, text=True, check=True).stdout
    pairs = (line.rstrip(";").split(" ", 1) for line in dumped.splitlines())
    return {key: value.strip('"') for key, value in pairs if key in _CHECKS and value != '""'}


def _sources(suite: str) -> list[str]:
    """Lines for sources.list with the mirrors that this computer itself uses. Raises BaseNotMade."""
    form = ["--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    told = subprocess.run(["apt-get", "indextargets", *form], capture_output=True, text=True, check=True).stdout
    mirrors: dict[str, str] = {}
    for line in told.splitlines():
        address, release = line.split()
        for own in SUITES:
            if release.startswith(own):
                mirrors.setdefault(release.removeprefix(own), address)
    if "" not in mirrors:
        raise BaseNotMade("apt's sources on this computer name no mirror of Debian bookworm or trixie")
    return [f"deb {address} {suite}{kind} main" for kind, address in sorted(mirrors.items())]
