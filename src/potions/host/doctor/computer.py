"""The computer itself: its kernel, whether it waits for a reboot, its clock and its journal."""

from __future__ import annotations

import ctypes
import grp
import platform
import subprocess
from pathlib import Path

from potions.layout import ADMIN_GROUP
from potions.model.doctor.computer import ComputerSeen

_REBOOT = Path("/run/reboot-required")
_REBOOT_FOR = Path("/run/reboot-required.pkgs")
_JOURNAL = Path("/var/log/journal")
#: Of <linux/landlock.h>, the same number on every 64-bit machine here.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1
#: Of <linux/timex.h>: what adjtimex(2) returns while nothing sets the clock.
_TIME_ERROR = 5
#: ``struct timex`` is smaller everywhere.
_TIMEX_BYTES = 512
_PATIENCE = 20.0
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def look_at_computer(*, updates: bool) -> ComputerSeen:
    """``updates``: whether security updates come by themselves."""
    return ComputerSeen(
        kernel=platform.release(),
        landlock=max(_libc().syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION), 0),
        updates=updates,
        reboot_for=_reboot_for(),
        clock_is_kept=_clock_is_set() or _is_container(),
        journal_is_kept=any(_JOURNAL.glob("*/system.journal")),
    )


def keep_journal() -> None:
    """Have the journal kept on the disk, with what it has in memory. Raises CalledProcessError and OSError."""
    _JOURNAL.mkdir(exist_ok=True)
    # Its group, its mode and its access list, as systemd wants them.
    for words in (
        ["systemd-tmpfiles", "--create", "--prefix", str(_JOURNAL)],
        ["systemctl", "restart", "systemd-journald.service"],
        ["journalctl", "--flush"],
    ):
        subprocess.run(words, check=True, capture_output=True, timeout=_PATIENCE, env=_ENVIRONMENT)


def admins() -> list[str]:
    """Who, beside root, may command this server: the members of the group."""
    try:
        return sorted(grp.getgrnam(ADMIN_GROUP).gr_mem)
    except KeyError:
        return []


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _reboot_for() -> tuple[str, ...] | None:
    if not _REBOOT.exists():
        return None
    try:
        return tuple(sorted(set(_REBOOT_FOR.read_text(errors="replace").split())))
    except OSError:
        return ()


def _clock_is_set() -> bool:
    """As the kernel says. A look, with nothing to change in it."""
    nothing = ctypes.create_string_buffer(_TIMEX_BYTES)
    return bool(_libc().adjtimex(nothing) != _TIME_ERROR)


def _is_container() -> bool:
    """The clock is then the computer's around it."""
    words = ["systemd-detect-virt", "--quiet", "--container"]
    try:
        return subprocess.run(words, check=False, timeout=_PATIENCE, env=_ENVIRONMENT).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
