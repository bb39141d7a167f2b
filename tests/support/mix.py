"""Real Mix releases of ``tests/apps/mix_app``, built once a test run by Debian's own Elixir."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[1] / "apps" / "mix_app"
NAME = "mix_app"
VERSIONS = ("0.1.0", "0.2.0")
_BUILD_TIMEOUT = 300.0


class MixReleases(NamedTuple):
    """Where the built releases are, as directories; version ``VERSIONS[n]`` is ``folder / VERSIONS[n]``."""

    folder: Path

    def directory(self, version: str) -> Path:
        return self.folder / version

    def archive(self, version: str, *, enclosed: bool = False, files: Mapping[str, str] | None = None) -> Path:
        """The release as a new ``.tar.gz``; ``enclosed`` puts all of it into one directory, as `tar cz mix_app` does.

        ``files`` are added, as text by their relative path.
        """
        number = len(list(self.folder.glob("*.tar.gz")))
        archive = self.folder / f"{version}-{os.getpid()}-{number}.tar.gz"
        top = NAME if enclosed else "."
        with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
            packed.add(self.directory(version), top)
            for name, text in (files or {}).items():
                extra = self.folder / f"extra-{os.getpid()}"
                extra.write_text(text)
                packed.add(extra, f"{top}/{name}")
        return archive


def build_releases(factory: pytest.TempPathFactory) -> MixReleases:
    """Build both versions, or take what another worker of this test run has built; skips where there is no Elixir."""
    if shutil.which("mix") is None:
        pytest.skip("needs elixir: scripts/install_test_tools installs it, as root")
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "mix"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            _build(folder)
            (folder / "built").touch()
    return MixReleases(folder)


def _build(folder: Path) -> None:
    for version in VERSIONS:
        # A copy for each, because Mix does not notice that the version in its environment changed.
        source = shutil.copytree(SOURCE, folder / f"source-{version}")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "MIX_ENV": "prod",
            "MIX_APP_VERSION": version,
        }
        done = subprocess.run(
            ["mix", "release", "--path", str(folder / version)],
            cwd=source,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_BUILD_TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, f"mix release {version}: {done.returncode}\n{done.stdout}\n{done.stderr}"
