"""Disks with Potions installed on them: made once for a wheel, and then put under every server of a story."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from support.installed import install, put_first
from support.machine import make_machine
from support.machine_base import CACHE, locked
from support.machine_ground import disk_of

#: Those of earlier wheels that are kept: whoever changes something may go back to it.
_KEPT = 2


def installed_disk(suite: str, wheel: Path) -> Path:
    """What a machine of this Debian wrote while it was made a server by this wheel; it is off.

    Kept outside the repository, by what is in the wheel. Who asks while another process makes it waits for that.
    """
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()[:12]
    disk = CACHE / "installed" / f"{suite}-{digest}"
    with locked(CACHE / "installed" / f"{suite}.lock"):
        if not disk.is_dir():
            _make(suite, wheel, disk)
        _remove_old(suite, disk)
    return disk


def _make(suite: str, wheel: Path, disk: Path) -> None:
    machine = make_machine(suite)
    try:
        machine.boot()
        put_first(machine, wheel)
        done = install(machine)
        assert done.status == 0, done.text
        machine.shut_down()
        disk_of(machine.ground).rename(disk)
    finally:
        machine.destroy()


def _remove_old(suite: str, newest: Path) -> None:
    newest.touch()
    known = sorted(newest.parent.glob(f"{suite}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in known[_KEPT:]:
        shutil.rmtree(old)
