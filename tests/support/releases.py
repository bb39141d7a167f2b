"""Releases of the behave app, made in a test's own directory: as a directory, or as any kind of archive."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.archives import packed

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


def as_archive(directory: Path, suffix: str) -> Path:
    """``directory`` packed as ``NAME.SUFFIX`` beside it, its content at the top of the archive; the archive."""
    archive = directory.with_name(f"{directory.name}.{suffix}")
    archive.write_bytes(_zipped(directory) if suffix == "zip" else packed(_tar(directory), suffix))
    return archive


def as_tar_gz(directory: Path) -> Path:
    """The kind that most stories send."""
    return as_archive(directory, "tar.gz")


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def _tar(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry in sorted(directory.iterdir()):
            archive.add(entry, entry.name)
    return buffer.getvalue()


def _zipped(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            archive.write(path, path.relative_to(directory))
    return buffer.getvalue()
