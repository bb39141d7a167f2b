"""The units of the platform's parts, and the folders below ``/run`` that have to be there before them."""

from __future__ import annotations

from pathlib import Path

from potions.layout import SERVER
from potions.render.platform_units import render_platform_units, render_run_entries
from potions.server import written
from potions.server.programs import run
from potions.server.step import Step
from potions.server.wheel import Wheel
from potions.settings import Settings


def units_step(wheel: Wheel, settings: Settings) -> Step:
    files = _files(wheel, settings)
    return Step("units", lambda: written.differences(files), lambda _say: _put(files))


def _files(wheel: Wheel, settings: Settings) -> dict[Path, str]:
    units = render_platform_units(
        SERVER, python=SERVER.version(wheel.name) / "bin/python", dashboard_address=settings.dashboard_address
    )
    files = {SERVER.units / name: text for name, text in units.items()}
    return {SERVER.run_entries: render_run_entries(SERVER, SERVER.directories()), **files}


def _put(files: dict[Path, str]) -> None:
    written.write(files)
    run(["systemd-tmpfiles", "--create", str(SERVER.run_entries)], f"{SERVER.run} cannot be made.")
    run(["systemctl", "daemon-reload"], "systemd cannot read its units.")


def upgrades_step() -> Step:
    """Security updates by themselves, every day. What Debian or an admin says of the same counts more."""
    files = {SERVER.upgrades: _UPGRADES}
    return Step("security updates", lambda: written.differences(files), lambda _say: _write_only(files))


def _write_only(files: dict[Path, str]) -> None:
    written.write(files)


_UPGRADES = """\
// Written by Potions. To have it another way, say so in a file of your own that is sorted behind this one,
// for example /etc/apt/apt.conf.d/90local
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "false";
"""
