"""The releases whose deploys are timed: a synthetic one of the size of a Phoenix release, and a real Mix release."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from support.releases import behave_release

_FILES = 1_200
_BYTES = 18_000_000
_READY_AFTER = 0.7
_MIX_APP = Path(__file__).parents[1] / "tests" / "apps" / "mix_app"
_MIX_TIMEOUT = 600


class Timed(NamedTuple):
    """A release to be timed, and how it is started without Potions."""

    name: str
    archive: Path
    command: str


def synthetic(place: Path) -> Timed:
    """1,200 files, 18 MB, and a Python app that listens about 0.8 s after its start.

    Half of each file does not compress, as in a release of compiled modules (7 of 18 MB there).
    """
    source = random.Random(1)
    size = _BYTES // _FILES
    files = {f"lib/part-{n // 60}/module-{n}.bin": _content(source, size) for n in range(_FILES - 5)}
    release = behave_release(place / "synthetic", "1", ready_after=_READY_AFTER, files=files)
    return Timed("synthetic release, 1,200 files, 18 MB", _packed(release), "exec python3 behave.py")


def mix(place: Path) -> Timed | None:
    """The stories' Mix release without its migration, built here; None where Elixir is not installed."""
    if shutil.which("mix") is None:
        return None
    source = shutil.copytree(_MIX_APP, place / "mix", ignore=shutil.ignore_patterns("overlays", "_build"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "LANG": "C.UTF-8", "MIX_ENV": "prod"}
    done = subprocess.run(
        ["mix", "release", "--quiet"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_MIX_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"mix release: {done.stdout}{done.stderr}")
    release = source / "_build" / "prod" / "rel" / "mix_app"
    files = [path for path in release.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    name = f"Mix release, {len(files):,} files, {megabytes:.0f} MB"
    return Timed(name, _packed(release), "exec bin/mix_app start")


def _packed(release: Path) -> Path:
    """The release as people pack one: by ``tar``, so without the second header that Python writes for each member."""
    archive = release.with_name(release.name + ".tar.gz")
    subprocess.run(["tar", "czf", str(archive), "-C", str(release), "."], check=True)
    return archive


def _content(source: random.Random, size: int) -> bytes:
    return source.randbytes(size * 2 // 5) + b"potions\n" * (size * 3 // 5 // 8)
