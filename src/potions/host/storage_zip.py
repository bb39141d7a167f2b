"""A folder of a storage as a zip that any computer opens, written as it is read, as the app's user."""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from potions.errors import RequestRefused
from potions.host.descriptors import write_all
from potions.host.storage_get import Sending, Survey, pieces_of, refuse_kept_out
from potions.host.stored import folder_at
from potions.host.stored_entry import entry_of
from potions.host.walk import Parts, walk
from potions.model.stored import SentFolder
from potions.names import StoredPath
from potions.zip_names import ZipNames

#: A zip ends with a list of all that is in it, which is kept in memory until then: 700 bytes for each.
_ENTRIES_MAX = 200_000
#: A zip has room for 65,535 bytes, and a byte may become three.
_LONGEST_PATH = 20_000
#: Fast, and enough for texts; pictures do not get smaller anyway.
_LEVEL = 1
_FOLDER_ATTRIBUTE = 0x10
_FIRST_YEAR, _LAST_YEAR = 1980, 2107


def send_folder_zipped(
    storage: Path, path: StoredPath, puts: Path, *, sink: int, begin: Callable[[SentFolder], None]
) -> None:
    """Write a folder as a zip into the descriptor ``sink``, once ``begin`` was told how much is in it.

    As `send_folder` does, but for names that Windows would refuse, or take for those of others: `zip_names` says what
    becomes of them. Raises what that raises, and RequestRefused for a folder of more than 200,000 entries
    or with a path of more than 20,000 bytes in it.
    """
    with folder_at(storage, path) as folder:
        survey = Survey(path, puts)
        walk(folder, survey.enter, kept_out=survey.keep_out)
        survey.refuse_unreadable()
        _refuse_too_much(survey)
        begin(SentFolder(entry_of(path, os.fstat(folder)), survey.files, survey.bytes))
        _send(folder, path, puts, sink)


def _refuse_too_much(survey: Survey) -> None:
    if survey.entries > _ENTRIES_MAX:
        raise RequestRefused(
            f"The folder has {survey.entries:,} entries, which is too much for a zip.",
            why=f"A zip is made of at most {_ENTRIES_MAX:,} here.",
            do="Get it as a tar, or get the folders in it one by one.",
        )
    if survey.longest > _LONGEST_PATH:
        raise RequestRefused(
            "The folder has a path in it that is too long for a zip.",
            why=f"It has {survey.longest:,} bytes.",
            do="Get it as a tar.",
        )


def _send(folder: int, path: StoredPath, puts: Path, sink: int) -> None:
    out = _Sink(sink)
    archive = zipfile.ZipFile(cast(IO[bytes], out), "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=_LEVEL)
    try:
        walk(folder, _SendingZip(path, puts, archive).enter, kept_out=refuse_kept_out(path))
    except BaseException:
        # zipfile writes the list at the end whatever happened, and half a zip must not look whole.
        out.is_broken = True
        raise
    finally:
        archive.close()


class _Sink:
    """The descriptor as the file that zipfile writes to, and never seeks in."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_broken = False

    def write(self, data: bytes) -> int:
        if not self.is_broken:
            write_all(self._descriptor, data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""


class _SendingZip(Sending):
    """A folder on its way out."""

    def __init__(self, path: StoredPath, puts: Path, archive: zipfile.ZipFile) -> None:
        super().__init__(path, puts)
        self._archive = archive
        self._names = ZipNames()

    def _folder(self, parts: Parts, status: os.stat_result, names: list[str]) -> None:
        name = self._names.enter(parts, names)
        if parts:
            info = _info(name + "/", status.st_mtime, stat.S_IFDIR | 0o755)
            info.external_attr |= _FOLDER_ATTRIBUTE
            # Python 3.11 forgets it, and then cannot write the list at the end.
            info.CRC = 0
            self._archive.mkdir(info)

    def _link(self, parts: Parts, status: os.stat_result, target: str) -> None:
        info = _info(self._names.take(parts), status.st_mtime, stat.S_IFLNK | 0o777)
        self._archive.writestr(info, os.fsencode(target))

    def _file(self, parts: Parts, status: os.stat_result, file: int) -> None:
        executable = bool(status.st_mode & stat.S_IXUSR)
        info = _info(self._names.take(parts), status.st_mtime, stat.S_IFREG | (0o755 if executable else 0o644))
        info.compress_type = zipfile.ZIP_DEFLATED
        # Beforehand, so that it knows whether the sizes need the long form.
        info.file_size = status.st_size
        with self._archive.open(info, "w") as entry:
            for piece in pieces_of(self._path.inside(*parts), file, status.st_size):
                entry.write(piece)


def _info(name: str, mtime: float, mode: int) -> zipfile.ZipInfo:
    moment = time.localtime(min(max(mtime, 0), 2**40))[:6]
    if moment[0] < _FIRST_YEAR:
        moment = (_FIRST_YEAR, 1, 1, 0, 0, 0)
    elif moment[0] > _LAST_YEAR:
        moment = (_LAST_YEAR, 12, 31, 23, 59, 58)
    info = zipfile.ZipInfo(name, moment)
    # The owner and the mode are read as Unix has them.
    info.create_system = 3
    info.external_attr = mode << 16
    return info
