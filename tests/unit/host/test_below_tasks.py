"""What is read from an unpacked release: only plain files, only so much, never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potions.errors import ManifestRefused, PotionsError, ProcfileRefused
from potions.host.below_tasks import find_epmd, inspect_release, measure_below
from potions.model.plan import ReleaseFiles

#: How the script that `mix release` writes gets to its name, in the two forms of different Elixir versions.
NAMES_ITSELF = [
    '#!/bin/sh\nset -e\nRELEASE_NAME="${RELEASE_NAME:-"%s"}"\nexport RELEASE_NAME\n',
    '#!/bin/sh\nset -e\nexport RELEASE_NAME="${RELEASE_NAME:-"%s"}"\n',
]


def put(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(mode)


def test_an_empty_release_says_nothing(tmp_path: Path) -> None:
    """No file is needed by this step."""
    assert inspect_release(tmp_path) == ReleaseFiles()


def test_the_manifest_and_the_procfile_are_read(tmp_path: Path) -> None:
    """As the text they are."""
    put(tmp_path / "potions.toml", '[run]\nstart = "é"')
    put(tmp_path / "Procfile", "web: run")
    assert inspect_release(tmp_path) == ReleaseFiles(manifest='[run]\nstart = "é"', procfile="web: run")


@pytest.mark.parametrize("name, error", [("potions.toml", ManifestRefused), ("Procfile", ProcfileRefused)])
@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "latin-1", "large"])
def test_what_is_no_plain_text_is_refused(tmp_path: Path, name: str, error: type[PotionsError], kind: str) -> None:
    """A link could show a file of the platform's, a pipe would keep it waiting, a large file fill its memory."""
    path = tmp_path / name
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        put(path, "café".encode("latin-1") if kind == "latin-1" else b"x" * (1024 * 1024 + 1))
    with pytest.raises(error, match=name) as refused:
        inspect_release(tmp_path)
    assert refused.value.why and refused.value.do


@pytest.mark.parametrize("script", NAMES_ITSELF)
@pytest.mark.parametrize("migrate", [True, False])
def test_a_mix_release_is_known_by_the_script_that_names_itself(tmp_path: Path, script: str, migrate: bool) -> None:
    """Beside Phoenix's own scripts, copies under other names and what the app brings along."""
    put(tmp_path / "releases" / "start_erl.data", "14.2 0.1.0")
    put(tmp_path / "bin" / "my_app", script % "my_app", 0o755)
    put(tmp_path / "bin" / "my_app.bat", script % "my_app", 0o755)
    put(tmp_path / "bin" / "aaa", "#!/bin/sh\nexec ./my_app start", 0o755)
    put(tmp_path / "bin" / "server", "#!/bin/sh\nPHX_SERVER=true exec ./my_app start", 0o755)
    (tmp_path / "bin" / "linked").symlink_to("my_app")
    if migrate:
        put(tmp_path / "bin" / "migrate", "#!/bin/sh\nexec ./my_app eval MyApp.Release.migrate", 0o755)
    assert inspect_release(tmp_path) == ReleaseFiles(mix_name="my_app", mix_migrate=migrate)


def test_a_migrate_script_that_cannot_be_run_does_not_count(tmp_path: Path) -> None:
    """It would fail every deploy."""
    put(tmp_path / "releases" / "start_erl.data", "14.2 0.1.0")
    put(tmp_path / "bin" / "app", NAMES_ITSELF[0] % "app", 0o755)
    put(tmp_path / "bin" / "migrate", "text")
    assert inspect_release(tmp_path) == ReleaseFiles(mix_name="app", mix_migrate=False)


@pytest.mark.parametrize("lacks", ["start_erl.data", "bin", "the executable bit", "its own name"])
def test_what_only_resembles_a_mix_release_is_none(tmp_path: Path, lacks: str) -> None:
    """Each of the signs is needed."""
    if lacks != "start_erl.data":
        put(tmp_path / "releases" / "start_erl.data", "14.2 0.1.0")
    if lacks != "bin":
        name = "other" if lacks == "its own name" else "app"
        put(tmp_path / "bin" / "app", NAMES_ITSELF[0] % name, 0o644 if lacks == "the executable bit" else 0o755)
    assert inspect_release(tmp_path).mix_name is None


def test_the_newest_epmd_is_found(tmp_path: Path) -> None:
    """Numbers are compared as numbers, and runtimes without it are passed over."""
    put(tmp_path / "erts-9.3" / "bin" / "epmd", "old", 0o755)
    put(tmp_path / "erts-14.2.5" / "bin" / "epmd", "new", 0o755)
    (tmp_path / "erts-15.0").mkdir()
    put(tmp_path / "erts-x" / "bin" / "epmd", "odd", 0o755)
    assert find_epmd(tmp_path) == b"new"


@pytest.mark.parametrize("kind", ["none", "link", "linked folder", "large"])
def test_no_other_epmd_is_taken(tmp_path: Path, kind: str) -> None:
    """The platform runs it, so it takes only a plain file of sensible size."""
    programs = tmp_path / "erts-14.2" / "bin"
    programs.mkdir(parents=True)
    if kind == "link":
        (programs / "epmd").symlink_to("/bin/true")
    elif kind == "linked folder":
        programs.rmdir()
        programs.symlink_to("/bin")
    elif kind == "large":
        put(programs / "epmd", bytes(5 * 1024 * 1024 + 1))
    assert find_epmd(tmp_path) is None


def test_a_tree_is_measured(tmp_path: Path) -> None:
    """Bytes, then files."""
    put(tmp_path / "d" / "f", "12345")
    assert measure_below(tmp_path) == (5, 1)
