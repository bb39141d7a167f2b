"""Potions itself on a server: a virtual environment for each version, and the one in force named by a link."""

from __future__ import annotations

import filecmp
import stat
from pathlib import Path

from potions.errors import PotionsError
from potions.host.files import remove_tree, replace_link, write_atomically
from potions.layout import SERVER
from potions.server.programs import run
from potions.server.step import Say, Step
from potions.server.wheel import Wheel

_PYTHON = "/usr/bin/python3"
_PROGRAM_MODE = 0o755
_FILE_MODE = 0o644
#: In a virtual environment that is whole. What was cut off is made anew.
_WHOLE = ".whole"


def program_step(wheel: Wheel) -> Step:
    return Step("program", lambda: _differences(wheel), lambda say: _install(wheel, say))


def old_versions_step(wheel: Wheel) -> Step:
    """Its own, after the parts were started anew: until then they run from an older one."""
    return Step(
        "old versions",
        lambda: [f"{path} is needed no more" for path in _unneeded(wheel)],
        lambda _say: _remove(_unneeded(wheel)),
    )


def finished_step(wheel: Wheel) -> Step:
    """The last one: whoever looks from elsewhere sees by it that nothing is left to do."""
    name = wheel.name.encode()
    return Step(
        "end",
        lambda: [] if _has(SERVER.finished, name) else [f"the install of Potions {wheel.name} has not come to its end"],
        lambda _say: write_atomically(SERVER.finished, name, _FILE_MODE),
    )


def _differences(wheel: Wheel) -> list[str]:
    folder = SERVER.version(wheel.name)
    if not _is_whole(folder):
        return [f"Potions {wheel.name} is not installed"]
    found = []
    if not _leads_to(SERVER.current, wheel.name):
        found.append(f"Potions {wheel.name} is not the version in force")
    if not _leads_to(SERVER.command, _command_target()):
        found.append(f"{SERVER.command} is not there")
    if not _has(SERVER.launcher, wheel.launcher):
        found.append(f"{SERVER.launcher} is of another version")
    if not _is_same(SERVER.caddy_program, folder / "bin/caddy"):
        found.append(f"{SERVER.caddy_program} is of another version")
    return found


def _command_target() -> str:
    return str(SERVER.current / "bin/potions")


def _install(wheel: Wheel, say: Say) -> None:
    folder = SERVER.version(wheel.name)
    if not _is_whole(folder):
        _make_environment(wheel, folder, say)
    _replace_program(folder / "bin/caddy", SERVER.caddy_program)
    if not _has(SERVER.launcher, wheel.launcher):
        write_atomically(SERVER.launcher, wheel.launcher, _FILE_MODE)
    if not _leads_to(SERVER.current, wheel.name):
        if SERVER.current.is_symlink():
            _point(SERVER.previous, str(SERVER.current.readlink()))
        _point(SERVER.current, wheel.name)
    _point(SERVER.command, _command_target())


def _make_environment(wheel: Wheel, folder: Path, say: Say) -> None:
    _remove([folder])
    try:
        say(f"Potions {wheel.version} is installed into {folder}")
        run([_PYTHON, "-m", "venv", str(folder)], "Python cannot make a virtual environment.")
        lock = folder / "requirements.lock"
        lock.write_bytes(wheel.lock)
        _pip(folder, "--require-hashes", "--only-binary=:all:", "--requirement", str(lock))
        _pip(folder, str(wheel.path))
        write_atomically(folder / _WHOLE, b"", _FILE_MODE)
    except PotionsError:
        _remove([folder])
        raise


def _pip(folder: Path, *words: str) -> None:
    pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    run(
        [*pip, "install", "--quiet", "--no-deps", "--progress-bar=off", *words],
        "Potions cannot be installed.",
        do="See that the index of Python packages can be reached and that the disk has room, then run it again.",
    )


def _replace_program(source: Path, target: Path) -> None:
    """By a rename: one that runs goes on with the old file."""
    if not _is_same(target, source):
        write_atomically(target, source.read_bytes(), _PROGRAM_MODE)


def _unneeded(wheel: Wheel) -> list[Path]:
    """Virtual environments that are neither in force nor the one before."""
    kept = {wheel.name} | {str(link.readlink()) for link in (SERVER.current, SERVER.previous) if link.is_symlink()}
    found = SERVER.program_folder.glob("*/pyvenv.cfg")
    return sorted(path.parent for path in found if not path.parent.is_symlink() and path.parent.name not in kept)


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        remove_tree(folder, below=SERVER.program_folder)


def _is_whole(folder: Path) -> bool:
    return (folder / _WHOLE).exists()


def _leads_to(link: Path, target: str) -> bool:
    return link.is_symlink() and str(link.readlink()) == target


def _point(link: Path, target: str) -> None:
    if not _leads_to(link, target):
        replace_link(link, target, link.with_name(f".{link.name}.new"))


def _has(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() == data


def _is_same(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return False
    return filecmp.cmp(one, other, shallow=False) and stat.S_IMODE(one.stat().st_mode) == _PROGRAM_MODE
