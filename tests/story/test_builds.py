"""Builds in the slot with nothing but what the machine has, one that fails, and a static binary without any."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from potions.layout import Colour
from support.platform import Platform

TINY_C = Path(__file__).parents[1] / "apps" / "tiny_c" / "server.c"

#: Says where it runs, and leaves something in the slot, in HOME and in storage.
BUILD = (
    'echo "building $POTIONS_APP in $PWD with $HOME" && python3 -m venv --without-pip .venv && '
    '.venv/bin/python -c "import sys; print(sys.prefix)" > built && echo kept > "$HOME/cache" && '
    'echo "$POTIONS_SLOT" >> "$STORAGE_DIR/builds"'
)
MANIFEST = f"""
[build]
command = '''{BUILD}'''

[run]
start = ".venv/bin/python behave.py"
"""


def test_a_release_is_built_in_its_slot(potions: Platform, release: Callable[..., Path]) -> None:
    """The build runs as the app, in the slot and with its variables; a rollback needs no second one."""
    potions.do("apps", "create", "blog")
    first = potions.do("deploy", str(release("1", procfile=None, manifest=MANIFEST)), "--app", "blog")
    tree = potions.tree("blog")
    slot = tree.slot(Colour.BLUE)
    assert f"building blog in {slot} with {tree.home}" in potions.do("log", "blog", "1").text
    assert "build" in first.out
    assert (slot / "built").read_text() == f"{slot}/.venv\n"
    assert (slot / "built").stat().st_uid == tree.storage.stat().st_uid == (tree.home / "cache").stat().st_uid
    potions.do("deploy", str(release("2", procfile=None, manifest=MANIFEST)), "--app", "blog")
    assert potions.version("blog") == "2"
    potions.do("rollback", "blog")
    assert potions.version("blog") == "1"
    assert (tree.storage / "builds").read_text() == "blue\ngreen\n"


@pytest.mark.contract("P4")
def test_a_build_that_fails_leaves_the_running_app_untouched(potions: Platform, release: Callable[..., Path]) -> None:
    """Its own output and exit status are shown, nothing is started, and what the slot held is back."""
    potions.do("apps", "create", "blog")
    for version in ("1", "2"):
        potions.do("deploy", str(release(version)), "--app", "blog")
    broken = "[build]\ncommand = 'echo resolving; echo no such package: flsk >&2; exit 7'\n"
    outcome = potions.refused("deploy", str(release("3", manifest=broken)), "--app", "blog")
    assert "no such package: flsk" in outcome.text
    assert "exit status 7" in outcome.text
    assert potions.version("blog") == "2"
    potions.do("rollback", "blog")
    assert potions.version("blog") == "1"


def test_a_static_binary_needs_only_a_manifest(potions: Platform, tmp_path: Path) -> None:
    """One executable and three lines of potions.toml are a release; its relative files are kept."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc: scripts/install_test_tools installs it, as root")
    potions.do("apps", "create", "tiny")
    for version in ("1", "2"):
        potions.do("deploy", str(_static_release(tmp_path / version, version)))
        assert potions.version("tiny") == version
    potions.do("rollback", "tiny")
    assert potions.version("tiny") == "1"
    visits = (potions.tree("tiny").storage / "visits").read_text()
    assert "".join(dict.fromkeys(visits.replace("\n", ""))) == "12"
    assert visits.endswith("1\n")


def _static_release(folder: Path, version: str) -> Path:
    folder.mkdir()
    subprocess.run(
        ["gcc", "-static", "-O1", f'-DVERSION="{version}"', "-o", str(folder / "server"), str(TINY_C)],
        check=True,
        capture_output=True,
        env={**os.environ, "LANG": "C"},
    )
    (folder / "potions.toml").write_text('app = "tiny"\n\n[run]\nstart = "./server"\n')
    return folder


@pytest.mark.contract("S1")
@pytest.mark.parametrize(
    "instead", ["mkdir storage && touch storage/lost", "cp -r /etc/hostname storage", "ln -s /tmp storage"]
)
def test_a_build_cannot_put_something_else_in_the_place_of_storage(
    potions: Platform, release: Callable[..., Path], instead: str
) -> None:
    """What the app would write there would be gone with the next deploy."""
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(release("1")), "--app", "blog")
    (potions.tree("blog").storage / "precious").write_text("kept")
    manifest = f"[build]\ncommand = 'rm storage && {instead}'\n"
    outcome = potions.refused("deploy", str(release("2", manifest=manifest)), "--app", "blog")
    assert "The build put something else in the place of ./storage." in outcome.text
    assert potions.version("blog") == "1"
    assert (potions.tree("blog").storage / "precious").read_text() == "kept"


def test_a_build_that_removes_the_link_gets_it_back(potions: Platform, release: Callable[..., Path]) -> None:
    """`rm -rf storage` in a build script removes a link, and no stored file."""
    potions.do("apps", "create", "blog")
    (potions.tree("blog").storage / "precious").write_text("kept")
    potions.do("deploy", str(release("1", manifest="[build]\ncommand = 'rm -rf storage'\n")), "--app", "blog")
    assert (potions.tree("blog").slot(potions.live("blog")) / "storage" / "precious").read_text() == "kept"
