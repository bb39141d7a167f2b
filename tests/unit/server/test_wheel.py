"""The wheel of a server: packed of what is installed, it is what was built."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from potions.errors import WheelRefused
from potions.server.wheel import Wheel, open_wheel, pack
from potions.store.upgrade import known_revisions

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    return open_wheel(next(folder.glob("*.whl")))


@pytest.fixture
def site(built: Wheel, tmp_path: Path) -> Path:
    """A directory with that wheel installed by pip."""
    target = tmp_path / "site"
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(built.path)]
    subprocess.run(words, capture_output=True, check=True)
    return target


def _installed(site: Path) -> Distribution:
    return next(iter(Distribution.discover(name="potions", path=[str(site)])))


def test_a_packed_wheel_has_every_file_of_the_built_one(built: Wheel, site: Path, tmp_path: Path) -> None:
    """Byte for byte, under the same names, so that it counts as the same version."""
    packed = open_wheel(pack(_installed(site), tmp_path))
    assert (packed.name, packed.lock, packed.launcher) == (built.name, built.lock, built.launcher)
    with zipfile.ZipFile(built.path) as one, zipfile.ZipFile(packed.path) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        assert all(one.read(name) == other.read(name) for name in one.namelist() if not name.endswith("/RECORD"))


def test_it_knows_the_revisions_that_its_migrations_lead_to(built: Wheel) -> None:
    """By the names of their files, which begin with them."""
    assert built.revisions == known_revisions()


def test_pip_installs_a_packed_wheel(site: Path, tmp_path: Path) -> None:
    """Its own list of files is right."""
    packed = pack(_installed(site), tmp_path)
    words = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(tmp_path / "again"), str(packed)]
    subprocess.run(words, capture_output=True, check=True)
    assert (tmp_path / "again/potions/launcher.py").read_bytes() == (site / "potions/launcher.py").read_bytes()


def test_files_that_were_changed_are_not_shipped(site: Path, tmp_path: Path) -> None:
    """Nor is one that is missing left out without a word."""
    (site / "potions/turns.py").write_text("# changed\n")
    with pytest.raises(WheelRefused, match=r"turns\.py was changed"):
        pack(_installed(site), tmp_path)
    (site / "potions/turns.py").unlink()
    with pytest.raises(WheelRefused, match=r"turns\.py was changed"):
        pack(_installed(site), tmp_path)


def test_what_is_no_wheel_of_potions_is_refused(tmp_path: Path) -> None:
    """A file that is not there, one that is no archive, another program's wheel, one without a lock."""
    other, old = tmp_path / "other.whl", tmp_path / "old.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", "Name: x\nVersion: 1\n")
    with zipfile.ZipFile(old, "w") as archive:
        archive.writestr("potions-0.dist-info/METADATA", "Name: potions\nVersion: 0\n")
    (tmp_path / "text.whl").write_text("text")
    for name, said in (
        ("nowhere.whl", "There is no"),
        ("text.whl", "not a wheel"),
        ("other.whl", "not a wheel of Potions"),
        ("old.whl", "cannot make a server"),
    ):
        with pytest.raises(WheelRefused, match=said):
            open_wheel(tmp_path / name)
