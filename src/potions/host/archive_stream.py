"""The tar inside of a file as a stream of bytes: complete, undamaged and not larger than allowed, or an error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from potions.host.archive_decoders import DECODERS
from potions.host.archive_limits import DAMAGED, MIB, TRUNCATED, Limits, Meter, Report, broken, too_large

_READ_BYTES = 256 * 1024
#: The most that the headers of one member may have: its names and PAX records. Real ones have some hundred bytes.
_HEADER_BYTES = MIB
_BLOCK = 512
#: tarfile's regular expressions take the square of a number's length (CVE-2024-6232): 10 minutes for one of 1 MiB.
_ENDLESS_NUMBER = re.compile(rb"[0-9]{300}")


class ArchiveStream:
    """The tar inside of a file, from its first byte to its last, with what tarfile needs: read, tell, seek forward.

    Reports how much of the file was read. Raises ArchiveBroken, ArchiveTooLarge, NoRoom and OSError.
    """

    def __init__(self, source: int, suffix: str, limits: Limits, report: Report) -> None:
        """Read the open file ``source`` from where it stands; ``suffix`` is one of `DECODERS`."""
        self._packed = _Packed(source, report)
        self._pieces = DECODERS[suffix](self._packed.chunks())
        self._limits = limits
        self._piece = memoryview(b"")
        self._position = 0
        self._unpacked = 0
        self._header_bytes = 0
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
        self._header_bytes += size
        if self._header_bytes > _HEADER_BYTES:
            raise too_large(f"The headers of one member have more than {_HEADER_BYTES:,} bytes.")
        wanted, parts = size, []
        while wanted and self._fill():
            part = self._take(wanted)
            parts.append(bytes(part))
            wanted -= len(part)
        data = b"".join(parts)
        if size == _BLOCK:
            self._last_block = data
        elif _ENDLESS_NUMBER.search(data):
            raise broken("One of its headers has a number without an end.")
        return data

    def end_headers(self) -> None:
        """A member's headers were read; those of the next one are counted anew."""
        self._header_bytes = 0

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes, without copying them; each piece is good until the next is asked for."""
        if size < 0:
            raise broken(DAMAGED)
        # Before anything of it is written: the header says how large it is.
        self._limits.check_bytes(self._position + size)
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
        self._packed.meter.finish()

    def _take(self, size: int) -> memoryview:
        piece, self._piece = self._piece[:size], self._piece[size:]
        self._position += len(piece)
        return piece

    def _fill(self) -> bool:
        """Have at least one byte ready; False at the end."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._unpacked += len(piece)
            self._limits.check_bytes(self._unpacked)
            self._limits.check_ratio(self._unpacked, self._packed.done)
            self._piece = memoryview(piece)
        return True


class _Packed:
    """The file as it was sent, read once from front to back."""

    def __init__(self, source: int, report: Report) -> None:
        self._source = source
        self.meter = Meter(report, os.fstat(source).st_size)
        self.done = 0

    def chunks(self) -> Iterator[bytes]:
        while chunk := os.read(self._source, _READ_BYTES):
            self.done += len(chunk)
            self.meter.advance(self.done)
            yield chunk
