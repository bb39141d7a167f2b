"""What is done as the app's user, through `Below`: look at a release in its slot or its archive, link storage."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from potions.errors import ManifestRefused, PotionsError, ProcfileRefused
from potions.host.descriptors import directory, is_not_directory, look, read_regular, shown
from potions.host.files import measure
from potions.host.release_index import index_release
from potions.host.shipped_storage import link_storage
from potions.model.console import ConsoleMarks
from potions.model.plan import ReleaseFiles

__all__ = ["find_epmd", "index_release", "inspect_release", "link_storage", "measure_below"]

#: The files that say how a release is run, by their names in lower case.
_READ = {"potions.toml": "potions.toml", "procfile": "Procfile"}

#: Files that only Python projects have, and where their virtual environments are.
_PYTHON_FILES = frozenset({"pyproject.toml", "requirements.txt", "setup.py", "Pipfile"})
_ENVIRONMENTS = (".venv", "venv", "env")
_TEXT_MAX_BYTES = 1024 * 1024
_SCRIPT_MAX_BYTES = 256 * 1024
_EPMD_MAX_BYTES = 5 * 1024 * 1024

#: The line by which `mix release` makes its script know its own name.
_RELEASE_NAME = re.compile(rb"""RELEASE_NAME="?\$\{RELEASE_NAME:-"?([^"}\n]+)"?\}""")
_ERTS = re.compile(r"erts-([0-9]+(?:\.[0-9]+)*)\Z")


def measure_below(path: Path) -> tuple[int, int]:
    """Bytes and number of files below a storage or a slot; see `files.measure`."""
    return measure(path)


def inspect_release(slot: Path) -> ReleaseFiles:
    """What an unpacked release says of how it is run.

    Raises ManifestRefused or ProcfileRefused for a file that is a link, no regular file, larger than 1 MiB or not
    UTF-8, and OSError.
    """
    with directory(slot) as folder:
        name = _mix_name(folder)
        return ReleaseFiles(
            manifest=_read_text(_READ["potions.toml"], folder, ManifestRefused),
            procfile=_read_text(_READ["procfile"], folder, ProcfileRefused),
            mix_name=name,
            mix_migrate=name is not None and _is_executable("migrate", folder),
            lookalikes=_lookalikes(folder),
        )


def look_for_console(slot: Path) -> ConsoleMarks:
    """What the files at the top of a slot say about its console; see `choose_console`. Raises OSError."""
    with directory(slot) as folder:
        with os.scandir(folder) as entries:
            names = {shown(entry.name) for entry in entries}
        return ConsoleMarks(
            mix_name=_mix_name(folder),
            rails="bin" in names and _has_file("rails", "bin", folder),
            django="manage.py" in names,
            python=bool(names & _PYTHON_FILES),
            node="package.json" in names,
            environment=next((name for name in _ENVIRONMENTS if _has_file("pyvenv.cfg", name, folder)), None),
        )


def _lookalikes(slot: int) -> list[str]:
    """Files whose names differ from those above by upper and lower case alone."""
    with os.scandir(slot) as entries:
        names = [shown(entry.name) for entry in entries]
    return sorted(name for name in names if name.lower() in _READ and name not in _READ.values())


def _read_text(name: str, slot: int, refused: type[PotionsError]) -> str | None:
    try:
        data = read_regular(name, within=slot, limit=_TEXT_MAX_BYTES)
        return None if data is None else data.decode()
    except UnicodeDecodeError as error:
        raise refused(
            f"{name} is not UTF-8.", why=f"Byte {error.start + 1} cannot be read.", do="Save it as UTF-8 text."
        ) from None
    except ValueError as reason:
        raise refused(f"{name} cannot be read.", why=str(reason), do="Make it a plain text file.") from None


def _mix_name(slot: int) -> str | None:
    """The name of a Mix release: the script in ``bin/`` that gives its own name as RELEASE_NAME.

    Other scripts lie there too: ``server`` and ``migrate`` of Phoenix, or the app's own.
    """
    if not _has_file("start_erl.data", "releases", slot):
        return None
    try:
        with directory("bin", within=slot) as scripts, os.scandir(scripts) as entries:
            named = [entry.name for entry in entries if _names_itself(entry.name, scripts)]
    except OSError as error:
        if isinstance(error, FileNotFoundError) or is_not_directory(error):
            return None
        raise
    return min(named, default=None)


def _has_file(name: str, within: str, slot: int) -> bool:
    try:
        with directory(within, within=slot) as folder:
            there = look(name, within=folder)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or is_not_directory(error):
            return False
        raise
    return there is not None and stat.S_ISREG(there.st_mode)


def _names_itself(name: str, scripts: int) -> bool:
    there = look(name, within=scripts)
    if there is None or not stat.S_ISREG(there.st_mode) or not there.st_mode & stat.S_IXUSR:
        return False
    if there.st_size > _SCRIPT_MAX_BYTES:
        return False
    text = read_regular(name, within=scripts, limit=_SCRIPT_MAX_BYTES) or b""
    return os.fsencode(name) in _RELEASE_NAME.findall(text)


def _is_executable(name: str, slot: int) -> bool:
    with directory("bin", within=slot) as scripts:
        there = look(name, within=scripts)
    return there is not None and stat.S_ISREG(there.st_mode) and bool(there.st_mode & stat.S_IXUSR)


def find_epmd(slot: Path) -> bytes | None:
    """The program ``epmd`` of the newest Erlang runtime that a release brings along, or None if it brings none.

    One that is a link, no regular file or larger than 5 MiB counts as none. Raises OSError.
    """
    with directory(slot) as folder, os.scandir(folder) as entries:
        for runtime in sorted((entry.name for entry in entries if _ERTS.match(entry.name)), key=_version, reverse=True):
            data = _read_program("epmd", runtime, folder)
            if data is not None:
                return data
    return None


def _version(runtime: str) -> tuple[int, ...]:
    return tuple(int(number) for number in runtime.removeprefix("erts-").split("."))


def _read_program(name: str, runtime: str, slot: int) -> bytes | None:
    try:
        with directory(runtime, within=slot) as erts, directory("bin", within=erts) as programs:
            return read_regular(name, within=programs, limit=_EPMD_MAX_BYTES)
    except ValueError:
        return None
    except OSError as error:
        if isinstance(error, FileNotFoundError) or is_not_directory(error):
            return None
        raise
