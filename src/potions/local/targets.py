"""What comes from a storage, written on this computer: whole or not at all, and never outside of where it belongs.

The tar of a folder is made by a process that runs as the app's user, so it is taken for something that an attacker may
have made.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from potions.errors import LocalFileRefused, StoredPathRefused
from potions.local.sources import unusable
from potions.model.archive_format import link_leaves
from potions.names import parse_stored_path, shown_name

Parts = tuple[str, ...]

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY = ".potions-get-"
_READ_BYTES = 1024 * 1024
_LATEST_MTIME = 2**40
#: Folders in one another at most: what lies deeper has a path that no program opens, and Python cannot remove it.
_DEEPEST = 400


@dataclass
class Fetched:
    """What was written."""

    files: int = 0
    bytes: int = 0
    links_left_out: list[str] = field(default_factory=list)
    """Links that would lead out of the folder."""


def refuse_what_is_there(target: Path, *, replace: bool) -> None:
    """Raise LocalFileRefused where something is in the way; with ``replace`` a file is not."""
    try:
        status = target.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(target, error) from error
    if not replace:
        raise LocalFileRefused(f"{shown_name(str(target))} is there already.", do="Nothing was changed.")
    if not stat.S_ISREG(status.st_mode):
        raise LocalFileRefused(f"{shown_name(str(target))} is no file, so it is not replaced.")


def fetch_file(pieces: Iterable[bytes], target: Path, *, replace: bool) -> int:
    """Write a file, beside its place first; how many bytes it has. Raises LocalFileRefused."""
    size = 0
    with _beside(target) as temporary:
        with os.fdopen(os.open(temporary, _NEW_FILE, 0o666), "wb") as file:
            for piece in pieces:
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        refuse_what_is_there(target, replace=replace)
        temporary.replace(target)
    return size


def fetch_folder(pieces: Iterable[bytes], target: Path) -> Fetched:
    """Write a folder from its tar, beside its place first. Raises LocalFileRefused."""
    with _beside(target) as temporary:
        temporary.mkdir(0o777)
        with _read_as_tar(), closing(_Filling(temporary)) as filling:
            for member, content in _members(pieces):
                filling.member(member, content)
            filling.finish()
        refuse_what_is_there(target, replace=False)
        temporary.rename(target)
    return filling.fetched


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a name beside ``target``, at which there is nothing afterwards."""
    temporary = target.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    try:
        yield temporary
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def _unwritable(target: Path, error: OSError) -> LocalFileRefused:
    name = os.path.basename(os.fsdecode(error.filename or b""))  # noqa: PTH119 - it may be any bytes
    which = "" if name.startswith(_TEMPORARY) or not name else f" ({shown_name(name)})"
    why = f"{error.strerror or error}{which}."
    return LocalFileRefused(f"{shown_name(str(target))} cannot be written.", why=why, do="Nothing is there.")


class _Pieces:
    """A stream of bytes as the file that tarfile reads."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        parts = []
        while size and (self._rest or self._more()):
            part, self._rest = self._rest[:size], self._rest[size:]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _more(self) -> bool:
        self._rest = next(self._pieces, b"")
        return bool(self._rest)


def _members(pieces: Iterable[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The members of a tar, each with its content as long as the next is not asked for."""
    stream = cast(IO[bytes], _Pieces(pieces))
    with tarfile.open(
        fileobj=stream, mode="r|", bufsize=_READ_BYTES, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        while (member := tar.next()) is not None:
            yield member, tar.extractfile(member) if member.isreg() else None
            # tarfile keeps every member, for lookups by name that nobody does here.
            cast(Any, tar).members.clear()


@contextmanager
def _read_as_tar() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, ValueError, RecursionError) as error:
        raise LocalFileRefused("What came is no tar that can be read.", why=str(error), do="Try again.") from error


class _Filling:
    """A new folder that is filled. Links are made last, so that nothing is ever written through one."""

    def __init__(self, top: Path) -> None:
        self._top = os.open(top, _DIRECTORY)
        self._links: dict[Parts, str] = {}
        self._times: dict[Parts, int] = {}
        self._here: tuple[Parts, int] = ((), os.dup(self._top))
        self.fetched = Fetched()

    def close(self) -> None:
        os.close(self._here[1])
        os.close(self._top)

    def member(self, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        """Write a file or a folder, remember a link, or refuse."""
        parts = _parts(member.name)
        if member.isdir():
            self._folder(parts)
            self._times[parts] = _seconds(member.mtime)
        elif member.issym() and parts:
            self._links[parts] = member.linkname
        elif content is not None and parts:
            self._file(parts, member, content)
        else:
            raise _refused(member.name, "It is neither a file, nor a folder, nor a link.")

    def finish(self) -> None:
        """Make the links that stay in the folder, and give folders their times."""
        for parts, target in self._links.items():
            if not target or "\0" in target or link_leaves(parts[:-1], target, self._links):
                self.fetched.links_left_out.append("/".join(parts))
            else:
                os.symlink(target, parts[-1], dir_fd=self._folder(parts[:-1]))
        for parts, mtime in self._times.items():
            os.utime(self._folder(parts), (mtime, mtime))

    def _file(self, parts: Parts, member: tarfile.TarInfo, content: IO[bytes]) -> None:
        # As any program of this user would make it: the umask takes away what it does.
        mode = 0o777 if member.mode & stat.S_IXUSR else 0o666
        file = os.open(parts[-1], _NEW_FILE, mode, dir_fd=self._folder(parts[:-1]))
        with os.fdopen(file, "wb") as target:
            shutil.copyfileobj(content, target, _READ_BYTES)
            target.flush()
            os.utime(file, (_seconds(member.mtime),) * 2)
        self.fetched.files += 1
        self.fetched.bytes += member.size

    def _folder(self, parts: Parts) -> int:
        """The descriptor of a folder, made with its parents where they are missing; good until the next call."""
        if self._here[0] != parts:
            folder = os.dup(self._top)
            for name in parts:
                above = folder
                try:
                    folder = _enter(name, above)
                finally:
                    os.close(above)
            os.close(self._here[1])
            self._here = (parts, folder)
        return self._here[1]


def _enter(name: str, above: int) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=above)
    except FileNotFoundError:
        os.mkdir(name, 0o777, dir_fd=above)
        return os.open(name, _DIRECTORY, dir_fd=above)


def _parts(name: str) -> Parts:
    try:
        parts = parse_stored_path(name).parts
    except StoredPathRefused as error:
        raise _refused(name, error.why) from error
    if len(parts) > _DEEPEST:
        raise _refused(name, f"It lies more than {_DEEPEST} folders deep.")
    return parts


def _refused(name: str, why: str) -> LocalFileRefused:
    return LocalFileRefused(
        f"Something came that is not written here: {shown_name(name)[:200]}", why=why, do="Nothing was written."
    )


def _seconds(mtime: float) -> int:
    """A time a file system can hold; a header may say anything, also that it is no number."""
    return int(mtime) if 0 <= mtime <= _LATEST_MTIME else 0
