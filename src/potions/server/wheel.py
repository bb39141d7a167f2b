"""The wheel that is installed on a server: a given one, or one made of the Potions that runs here, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from potions.errors import WheelRefused

_NAME = "potions"
#: Written by whoever installs a wheel, and no part of it.
_OF_THE_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
_HASH_DIGITS = 12
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PATIENCE = 300.0
_LOCK = f"{_NAME}/server/requirements.lock"
_LAUNCHER = f"{_NAME}/launcher.py"
_ANOTHER = "Name the file of a wheel of Potions: --wheel FILE"
#: The file of a migration begins with the revision that it leads to.
_MIGRATION = re.compile(rf"{_NAME}/store/migrations/versions/(?P<revision>[0-9a-z]+)_[^/]*\.py")


@dataclass(frozen=True)
class Wheel:
    """A wheel of Potions: its file, its version, and what tells its content from any other of that version."""

    path: Path
    version: str
    digest: str

    @property
    def name(self) -> str:
        """What its virtual environment is called: ``0.1.0-1f2e3d4c5b6a``."""
        return f"{self.version}-{self.digest[:_HASH_DIGITS]}"

    @property
    def lock(self) -> bytes:
        """The exact versions, with hashes, of all that it needs."""
        return self._read(_LOCK)

    @property
    def launcher(self) -> bytes:
        return self._read(_LAUNCHER)

    @property
    def revisions(self) -> frozenset[str]:
        """Every revision of the agent's database that it can use."""
        with zipfile.ZipFile(self.path) as archive:
            found = (_MIGRATION.fullmatch(name) for name in archive.namelist())
            return frozenset(one["revision"] for one in found if one)

    def _read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(name)


def open_wheel(path: Path) -> Wheel:
    """The wheel in that file. Raises WheelRefused where it is none of Potions', or no server can be made of it."""
    if not path.exists():
        raise WheelRefused(f"There is no {path}.", do=_ANOTHER)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except (OSError, zipfile.BadZipFile) as error:
        raise WheelRefused(f"{path} is not a wheel.", why=str(error), do=_ANOTHER) from None
    metadata = next((data for name, data in members.items() if name.endswith(".dist-info/METADATA")), b"")
    told = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    if told["Name"] != _NAME or not told["Version"]:
        raise WheelRefused(
            f"{path} is not a wheel of Potions.", why=f"It is of {told['Name'] or 'nothing'}.", do=_ANOTHER
        )
    if _LOCK not in members or _LAUNCHER not in members:
        raise WheelRefused(
            f"{path} cannot make a server.", why=f"It has no {_LOCK}: it is of an older version.", do=_ANOTHER
        )
    return Wheel(path, told["Version"], _digest_of(members))


def _digest_of(members: Mapping[str, bytes]) -> str:
    """The same for the wheel as it was built and for one that was packed of its installed files."""
    content = sorted((name, data) for name, data in members.items() if not _is_of_the_installer(PurePosixPath(name)))
    whole = hashlib.sha256()
    for name, data in content:
        whole.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return whole.hexdigest()


def _is_of_the_installer(name: PurePosixPath) -> bool:
    return name.parent.name.endswith(".dist-info") and name.name in _OF_THE_INSTALLER


def wheel_of_this_program(folder: Path) -> Wheel:
    """A wheel of the Potions that runs here, put into ``folder``: packed of what is installed, or built of a checkout.

    Raises WheelRefused where installed files were changed, or the checkout cannot be built.
    """
    found = distribution(_NAME)
    checkout = _checkout_of(found)
    return open_wheel(_build(checkout, folder) if checkout else pack(found, folder))


def pack(found: Distribution, folder: Path) -> Path:
    """Pack the files of an installed Potions into a wheel again. Raises WheelRefused where one was changed."""
    files = sorted(_shipped(found.files or []), key=str)
    target = folder / f"{_NAME}-{found.version}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            data = _unchanged(file)
            archive.writestr(zipfile.ZipInfo(str(file), _EPOCH), data, zipfile.ZIP_DEFLATED)
            record.append(f"{file},sha256={_record_hash(data)},{len(data)}\n")
        own = f"{_NAME}-{found.version}.dist-info/RECORD"
        archive.writestr(zipfile.ZipInfo(own, _EPOCH), "".join([*record, f"{own},,\n"]))
    return target


def _checkout_of(found: Distribution) -> Path | None:
    """The directory that an editable install runs from."""
    told = json.loads(found.read_text("direct_url.json") or "{}")
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(told["url"]).path))


def _build(checkout: Path, folder: Path) -> Path:
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode != 0:
        raise WheelRefused(f"No wheel can be made of {checkout}.", why=done.stderr[-500:], do="Name one: --wheel FILE")
    return next(folder.glob(f"{_NAME}-*.whl"))


def _shipped(files: Iterable[PackagePath]) -> Iterator[PackagePath]:
    """What came with the wheel: not what an installer wrote beside it, nor what Python compiled."""
    for file in files:
        is_outside = file.is_absolute() or ".." in file.parts
        if not is_outside and file.suffix != ".pyc" and not _is_of_the_installer(file):
            yield file


def _unchanged(file: PackagePath) -> bytes:
    path = Path(str(file.locate()))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _changed(path, str(error)) from error
    if file.hash is not None and file.hash.mode == "sha256" and file.hash.value != _record_hash(data):
        raise _changed(path, "It is not what was installed.")
    return data


def _changed(path: Path, why: str) -> WheelRefused:
    return WheelRefused(
        f"The Potions that runs here cannot be installed on a server: {path} was changed.",
        why=why,
        do="Install Potions again, or name a wheel: --wheel FILE",
    )


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
