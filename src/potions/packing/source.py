"""A release that is ready to be sent: looked at before anything is, so that its size and its faults are known."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from potions.errors import ReleaseRefused
from potions.model.archive_format import GZIP, MAGIC_BYTES, TAR, ZIP, ZSTD, suffix_of
from potions.packing.listing import LeftOut, Listing, list_directory
from potions.packing.tarball import Progress, pack
from potions.packing.unreadable import unreadable

_READ_BYTES = 1024 * 1024
_ZSTD_HEADER_BYTES = 18
#: What no file system holds: a zip may claim anything.
_SIZE_MAX = 2**63


@dataclass(frozen=True)
class ReleaseSource:
    """A release that is ready to be sent: an archive, or a directory that is packed on the way."""

    name: str
    """The file's or directory's name, for people."""
    packed_bytes: int | None
    """The archive's size; None for a directory."""
    unpacked_bytes: int | None
    """What it will take unpacked: exact for a directory, as the archive says itself, or None if it does not."""
    suffix: str
    """What kind of archive it is or becomes: one of ``archive_format.ARCHIVE_SUFFIXES``."""
    path: Path
    listing: Listing | None = None
    """What is sent of a directory; None for an archive."""

    @property
    def left_out(self) -> LeftOut:
        """What of a directory is not sent."""
        return LeftOut() if self.listing is None else self.listing.left_out

    def chunks(self, progress: Progress | None = None) -> Iterator[bytes]:
        """The archive's bytes. ``progress`` hears of bytes read from disk: of the archive, or of the directory's files.

        Raises ReleaseRefused when something changed since it was looked at or cannot be read.
        """
        heard = progress or _ignore
        return _read_archive(self.path, heard) if self.listing is None else pack(self.listing.members, heard)


def _ignore(_count: int) -> None:
    return


def open_release(path: Path, *, everything: bool = False) -> ReleaseSource:
    """Look at what is to be deployed; ``everything``: send also what Git ignores.

    Raises ReleaseRefused for what is no release, ArchiveBroken for an empty file.
    """
    try:
        status = path.stat()
        name = path.resolve().name or "release"
        if stat.S_ISDIR(status.st_mode):
            return _open_directory(path, name, everything=everything)
        if not stat.S_ISREG(status.st_mode):
            raise ReleaseRefused(f"{path} is no release.", why="It is neither a directory nor a file.")
        with path.open("rb") as file:
            suffix = suffix_of(path.name, file.read(MAGIC_BYTES))
        return ReleaseSource(name, status.st_size, _unpacked_bytes(path, suffix, status.st_size), suffix, path)
    except OSError as error:
        raise unreadable(path, error) from error


def _open_directory(path: Path, name: str, *, everything: bool) -> ReleaseSource:
    listing = list_directory(path, everything=everything)
    if not listing.files:
        ignored = listing.left_out.ignored
        raise ReleaseRefused(
            f"{path} is empty.",
            why="All that is in it is ignored by Git." if ignored else "There is no file in it.",
            do="Send it all the same with --everything." if ignored else "Name the built release.",
        )
    return ReleaseSource(name, None, listing.bytes, ZSTD.suffix, path, listing)


def _read_archive(path: Path, progress: Progress) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                progress(len(data))
                yield data
    except OSError as error:
        raise unreadable(path, error) from error


def _unpacked_bytes(path: Path, suffix: str, packed: int) -> int | None:
    """The size that an archive claims to have unpacked; an estimate, because nothing of it is unpacked here."""
    if suffix == TAR.suffix:
        return packed
    if suffix == GZIP.suffix:
        return _unpacked_gzip(path, packed)
    if suffix == ZSTD.suffix:
        return _unpacked_zstd(path)
    if suffix == ZIP.suffix:
        return _unpacked_zip(path)
    return None


def _unpacked_gzip(path: Path, packed: int) -> int | None:
    """Its last four bytes, which are the size modulo 4 GiB; less than the archive's own size means that it wrapped."""
    with path.open("rb") as file:
        file.seek(-min(packed, 4), os.SEEK_END)
        claimed = int.from_bytes(file.read(4), "little")
    return claimed if claimed >= packed else None


def _unpacked_zstd(path: Path) -> int | None:
    with path.open("rb") as file:
        try:
            claimed = zstandard.frame_content_size(file.read(_ZSTD_HEADER_BYTES))
        except zstandard.ZstdError:
            return None
    return claimed if claimed > 0 else None


def _unpacked_zip(path: Path) -> int | None:
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        # The agent says better what is wrong with it.
        return None
    return claimed if claimed < _SIZE_MAX else None
