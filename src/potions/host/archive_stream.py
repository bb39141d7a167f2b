"""A compressed tar as a stream of bytes that is complete, undamaged and not larger than allowed, or an error."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import zstandard

from potions.errors import ArchiveBroken, ArchiveTooLarge, ReleaseRefused
from potions.model.archive_format import ARCHIVE_SUFFIXES, GZIP, ZSTD

#: Called with the bytes done and the bytes in total.
Report = Callable[[int, int], None]

MIB = 1024 * 1024

_READ_BYTES = 256 * 1024
_INFLATED_BYTES = MIB
#: A zstd decoder gives back all that its input expands to, at most 32,768 times as much. So it gets little at a time.
_ZSTD_BYTES = 4096
#: The largest header tarfile may ask for at once: a name or a set of PAX records. Real ones have some hundred bytes.
_HEADER_BYTES = MIB
_BLOCK = 512
_SECONDS_BETWEEN_REPORTS = 0.1


@dataclass(frozen=True)
class Limits:
    """What a release may have at most: files, directories and links together, bytes unpacked, names in a path."""

    files: int = 200_000
    bytes: int = 20 * 1024 * MIB
    depth: int = 100
    #: Bytes unpacked for each byte of the archive; looked at only above ``ratio_from`` bytes.
    ratio: int = 200
    ratio_from: int = 100 * MIB


def broken(why: str) -> ArchiveBroken:
    """The error for an archive that cannot be read to its end."""
    return ArchiveBroken("The archive is broken.", why=why, do="Pack the release again and send it again.")


def too_large(why: str) -> ArchiveTooLarge:
    """The error for an archive that goes beyond its limits."""
    return ArchiveTooLarge("The archive is too large.", why=why, do="Leave out what the app does not need to run.")


TRUNCATED = "It ends before all of it was there: the file was cut off."
DAMAGED = "Its data is damaged: a checksum or a header is wrong."


class ArchiveStream:
    """The tar inside of an archive, from its first byte to its last, with what tarfile needs: read, tell, seek forward.

    Reports how much of the archive was read. Raises ArchiveBroken, ArchiveTooLarge and OSError.
    """

    def __init__(self, source: int, suffix: str, limits: Limits, report: Report) -> None:
        """Read the open file ``source`` from where it stands; raises ReleaseRefused for an unknown ``suffix``."""
        decode = _DECODERS.get(suffix)
        if decode is None:
            raise ReleaseRefused(
                f"Potions does not unpack .{suffix} archives.", do=f"It unpacks: {', '.join(ARCHIVE_SUFFIXES)}."
            )
        self._packed = _Packed(source, report)
        self._pieces = decode(self._packed.chunks())
        self._limits = limits
        self._piece = memoryview(b"")
        self._position = 0
        self._unpacked = 0
        self._last_block = b""

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        """Go forward; at the end of the data it stays there, and the next read finds nothing."""
        while self._position < position and self._fill():
            self._take(position - self._position)
        return self._position

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, or what there is up to the end: for headers, which have to fit in memory."""
        if size < 0:
            raise broken(DAMAGED)
        if size > _HEADER_BYTES:
            raise too_large(f"One of its headers has {size:,} bytes.")
        wanted, parts = size, []
        while wanted and self._fill():
            part = self._take(wanted)
            parts.append(bytes(part))
            wanted -= len(part)
        data = b"".join(parts)
        if size == _BLOCK:
            self._last_block = data
        return data

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes, without copying them; each piece is good until the next is asked for."""
        if size < 0:
            raise broken(DAMAGED)
        if self._position + size > self._limits.bytes:
            raise too_large(f"It unpacks to more than {self._limits.bytes:,} bytes.")
        while size:
            if not self._fill():
                raise broken(TRUNCATED)
            piece = self._take(size)
            size -= len(piece)
            yield piece

    def finish(self) -> None:
        """Demand that the tar ended as tars end, and read the rest, so that the checksum at the end was looked at."""
        if len(self._last_block) < _BLOCK:
            raise broken(TRUNCATED)
        if self._last_block.strip(b"\0"):
            raise broken(DAMAGED)
        while self._fill():
            if bytes(self._take(len(self._piece))).strip(b"\0"):
                raise broken("Something follows after its end.")
        self._packed.finish()

    def _take(self, size: int) -> memoryview:
        piece, self._piece = self._piece[:size], self._piece[size:]
        self._position += len(piece)
        return piece

    def _fill(self) -> bool:
        """Have at least one byte ready; False at the end."""
        while not self._piece:
            try:
                piece = next(self._pieces, None)
            except (zlib.error, zstandard.ZstdError) as error:
                raise broken(f"{DAMAGED} ({error})") from None
            if piece is None:
                return False
            self._unpacked += len(piece)
            self._check_size()
            self._piece = memoryview(piece)
        return True

    def _check_size(self) -> None:
        if self._unpacked > self._limits.bytes:
            raise too_large(f"It unpacks to more than {self._limits.bytes:,} bytes.")
        if self._unpacked > self._limits.ratio_from and self._unpacked > self._packed.done * self._limits.ratio:
            raise too_large(f"It unpacks to more than {self._limits.ratio} times its own size.")


class _Packed:
    """The file as it was sent, read once from front to back."""

    def __init__(self, source: int, report: Report) -> None:
        self._source = source
        self._report = report
        self._total = os.fstat(source).st_size
        self._next_report = 0.0
        self.done = 0

    def chunks(self) -> Iterator[bytes]:
        while chunk := os.read(self._source, _READ_BYTES):
            self.done += len(chunk)
            now = time.monotonic()
            if now >= self._next_report:
                self._next_report = now + _SECONDS_BETWEEN_REPORTS
                self._report(self.done, self._total)
            yield chunk

    def finish(self) -> None:
        self._report(self.done, self._total)


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate one gzip member after another; zlib compares the checksums. Zeros between members are padding."""
    decoder = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            if decoder.eof:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                decoder = zlib.decompressobj(wbits=31)
            yield decoder.decompress(rest, _INFLATED_BYTES)
            rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    yield decoder.flush()
    if not decoder.eof:
        raise broken(TRUNCATED)


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Expand one zstd frame after another; the decoder compares the checksums."""
    decompressor = zstandard.ZstdDecompressor()
    decoder = decompressor.decompressobj()
    for chunk in chunks:
        for start in range(0, len(chunk), _ZSTD_BYTES):
            rest = chunk[start : start + _ZSTD_BYTES]
            while rest:
                if decoder.eof:
                    decoder = decompressor.decompressobj()
                yield decoder.decompress(rest)
                rest = decoder.unused_data
    if not decoder.eof:
        raise broken(TRUNCATED)


def _as_it_is(chunks: Iterator[bytes]) -> Iterator[bytes]:
    return chunks


#: A tar that is not compressed; what is sent to and from a storage.
PLAIN = "tar"

_DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    GZIP.suffix: _gunzip,
    ZSTD.suffix: _unzstd,
    PLAIN: _as_it_is,
}
