"""``scripts/setup`` says what is missing, before it touches anything."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from scripts.contract import ROOT

#: What the script itself is made of.
_TOOLS = ("awk", "cat", "cksum", "cut", "date", "dirname", "env", "grep", "head", "rm", "sed", "sh", "tail")

Setup = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """Runs a copy of the script where only the named Pythons exist: name to version, with a '-' if it lacks venv."""
    project = tmp_path / "a project"
    (project / "scripts").mkdir(parents=True)
    for name in ("scripts/setup", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, project / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in _TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or f"/usr/bin/{tool}")

    def run(pythons: Mapping[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
        for name, version in pythons.items():
            (programs / name).write_text(_fake_python(version))
            (programs / name).chmod(0o755)
        return subprocess.run(
            [project / "scripts" / "setup"],
            env={"PATH": str(programs), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _fake_python(version: str) -> str:
    """A Python of that version, as far as the script asks it; making an environment ends with a word of its own."""
    number = version.removesuffix("-")
    is_old = int(number.split(".")[1]) < 11
    return f"""#!/bin/sh
case "$*" in
    *ensurepip*) exit {int(version.endswith("-"))} ;;
    *"< (3, 11)"*) exit {int(is_old)} ;;
    *print*) echo {number} ;;
    "-m venv"*) echo "this is where $0 makes it" >&2; exit 1 ;;
esac
"""


def test_without_a_new_enough_python_it_says_how_to_get_one(setup: Setup) -> None:
    """Status 1, the packages to install, and the way to name a Python that is elsewhere."""
    done = setup({"python3": "3.9.2"})
    assert done.returncode == 1
    assert "No Python 3.11 or newer was found." in done.stderr
    assert "apt install python3 python3-venv" in done.stderr
    assert "PYTHON=" in done.stderr


def test_without_venv_it_names_the_package(setup: Setup) -> None:
    """Debian's python3 lacks the module until python3-venv is there."""
    done = setup({"python3": "3.11.2-"})
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr


def test_a_python_that_lacks_venv_does_not_keep_it_from_another_one(setup: Setup) -> None:
    """The newest one that can do it is taken."""
    done = setup({"python3.13": "3.13.1-", "python3.12": "3.12.4", "python3": "3.11.2"})
    assert "Python 3.12.4" in done.stderr
    assert "bin/python3.12 makes it" in done.stderr


def test_the_python_that_was_asked_for_is_taken(setup: Setup) -> None:
    """PYTHON wins over a newer one; an old or missing one is refused, and no other is taken instead."""
    assert "bin/mine makes it" in setup({"python3.13": "3.13.1", "mine": "3.11.2"}, PYTHON="mine").stderr
    assert "mine is Python 3.9.2" in setup({"mine": "3.9.2"}, PYTHON="mine").stderr
    assert "There is no program other." in setup({}, PYTHON="other").stderr
