"""Debian packages that a server needs: only the missing ones are installed."""

from __future__ import annotations

from potions.server.programs import answer_of, run
from potions.server.step import Say, Step

PACKAGES = ("ca-certificates", "dbus", "nftables", "python3", "python3-venv", "unattended-upgrades")

_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", "APT_LISTCHANGES_FRONTEND": "none"}
#: Another apt may run: the automatic updates of a server that was just made, for example.
_WAIT_FOR_LOCK = "DPkg::Lock::Timeout=600"
_DO = "See that `apt-get update` works and that the disk has room, then run it again: sudo potions server install"


def packages_step(wanted: tuple[str, ...] = PACKAGES) -> Step:
    return Step(
        "packages", lambda: [f"{name} is not installed" for name in _missing(wanted)], lambda say: _get(wanted, say)
    )


def _missing(wanted: tuple[str, ...]) -> list[str]:
    return [name for name in wanted if not is_installed(name)]


def is_installed(package: str) -> bool:
    return answer_of("dpkg-query", "--show", "--showformat=${db:Status-Status}", package) == "installed"


def _get(wanted: tuple[str, ...], say: Say) -> None:
    missing = _missing(wanted)
    say(f"apt installs {', '.join(missing)}")
    words = ["apt-get", "--quiet", "-o", _WAIT_FOR_LOCK]
    run([*words, "update"], "apt cannot look up packages.", do=_DO, variables=_QUIET)
    run(
        [*words, "install", "--yes", "--no-install-recommends", *missing],
        f"apt cannot install {', '.join(missing)}.",
        do=_DO,
        variables=_QUIET,
    )
