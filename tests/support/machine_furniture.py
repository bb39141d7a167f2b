"""What a test machine gets before its first boot: its names and keys, and what this computer knows of the world."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from pathlib import Path

from support.machine_base import CACHE
from support.machine_ground import Ground


def furnish(ground: Ground, suite: str) -> None:
    """Write onto its mounted disk what no two machines share, and what this computer knows of the world around."""
    root = ground.root
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (root / "etc/hostname").write_text(f"{ground.host_name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {ground.host_name}\n")
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    _give_keys(ground)
    _give_trust(root)
    _give_downloads(ground, suite)


def keep_downloads(ground: Ground, suite: str) -> None:
    """Take the packages that apt got in it, for the next machine of this Debian."""
    kept = CACHE / "apt" / suite
    kept.mkdir(parents=True, exist_ok=True)
    for package in (ground.root / "var/cache/apt/archives").glob("*.deb"):
        if not (kept / package.name).exists():
            new = kept / f"{package.name}.{ground.host_name}"
            shutil.copyfile(package, new)
            new.rename(kept / package.name)


def _give_keys(ground: Ground) -> None:
    """A key of its own for its SSH server, and one that root accepts."""
    root = ground.root
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    for path in (host_key, ground.key):
        # ssh-keygen would ask, where the disk below has one.
        path.unlink(missing_ok=True)
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ground.host_name, "-f", str(path)]
        subprocess.run(words, check=True, capture_output=True)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(ground.key.with_suffix(".pub"), root / "root/.ssh/authorized_keys")
    ground.known_hosts.write_text(f"{ground.address} {host_key.with_suffix('.pub').read_text()}")


def _give_trust(root: Path) -> None:
    """The authorities that this computer trusts: what it reaches may be known by one of its own."""
    shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    own = Path("/usr/local/share/ca-certificates")
    if own.is_dir():
        shutil.copytree(own, root / "usr/local/share/ca-certificates", dirs_exist_ok=True)


# apt locks its folder of packages, so that machines cannot share one: each gets a copy and gives back what is new.


def _give_downloads(ground: Ground, suite: str) -> None:
    for package in (CACHE / "apt" / suite).glob("*.deb"):
        shutil.copyfile(package, ground.root / "var/cache/apt/archives" / package.name)
