"""Releases of the behave app, made in a test's own directory: as a directory, a .tar.gz or a .tar.zst."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zstandard

BEHAVE = Path(__file__).parents[1] / "apps" / "behave"
SOURCES = ("behave.py", "routes.py", "wire.py")
PROCFILE = "web: python3 behave.py"


def behave_release(
    folder: Path,
    version: str,
    *,
    procfile: str | None = PROCFILE,
    manifest: str | None = None,
    files: Mapping[str, str | bytes] | None = None,
    **behaviour: Any,
) -> Path:
    """A release of the behave app in ``folder``, which is made; the folder.

    ``procfile`` and ``manifest`` are the whole text of ``Procfile`` and ``potions.toml``; None leaves the file out.
    ``files`` maps relative paths to content. ``behaviour`` are the fields of ``Behaviour`` in
    ``tests/apps/behave/behave.py``.
    """
    folder.mkdir(parents=True)
    for name in SOURCES:
        shutil.copy2(BEHAVE / name, folder / name)
    content: dict[str, str | bytes] = {"behaviour.json": json.dumps({"version": version, **behaviour})}
    if procfile is not None:
        content["Procfile"] = procfile.rstrip("\n") + "\n"
    if manifest is not None:
        content["potions.toml"] = manifest
    for name, text in {**content, **(files or {})}.items():
        _write(folder / name, text)
    return folder


def as_tar_gz(directory: Path) -> Path:
    """``directory`` packed as ``NAME.tar.gz`` beside it, its content at the top of the archive; the archive."""
    archive = directory.with_name(directory.name + ".tar.gz")
    archive.write_bytes(_packed(directory, "w:gz"))
    return archive


def as_tar_zst(directory: Path) -> Path:
    """``directory`` packed as ``NAME.tar.zst`` beside it, its content at the top of the archive; the archive."""
    archive = directory.with_name(directory.name + ".tar.zst")
    archive.write_bytes(zstandard.ZstdCompressor().compress(_packed(directory, "w:")))
    return archive


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def _packed(directory: Path, mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for entry in sorted(directory.iterdir()):
            archive.add(entry, entry.name)
    return buffer.getvalue()
