"""From a compressed file to what was packed into it: whole, undamaged and in bounded memory, or an error."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

from potions.errors import PotionsError
from potions.host.archive_limits import DAMAGED, MIB, TRUNCATED, broken, too_large
from potions.model.archive_format import BZIP2, GZIP, TAR, XZ, ZSTD

_PIECE_BYTES = MIB
#: A zstd decoder gives back all that its input expands to, at most 32,768 times as much. So it gets little at a time.
_ZSTD_BYTES = 4096
#: How far an archive may refer back, which its decoder keeps in memory: `xz -9` wants 64 MiB, `zstd --long` 128.
_WINDOW_BYTES = 128 * MIB


class _Decoder(Protocol):
    """What expands one stream, as bz2 and lzma have it; each compares the checksums at the end."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Deflate:
    """zlib's decoder, keeping what it could not use yet to itself. ``frame``: what zlib calls window bits."""

    def __init__(self, frame: int) -> None:
        self._inflating = zlib.decompressobj(wbits=frame)

    @property
    def eof(self) -> bool:
        return self._inflating.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflating.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflating.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inflating.decompress(self._inflating.unconsumed_tail + data, max_length)


class _Zstd:
    """zstandard's decoder, which knows no most length and therefore is fed in small pieces."""

    needs_input = True

    def __init__(self) -> None:
        self._expanding = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()

    @property
    def eof(self) -> bool:
        return self._expanding.eof

    @property
    def unused_data(self) -> bytes:
        return self._expanding.unused_data

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        return self._expanding.decompress(data)


def _gzip() -> _Decoder:
    return _Deflate(frame=31)


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_WINDOW_BYTES)


def inflate(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Expand one stream of bare Deflate, as a zip has it, which has to end where ``chunks`` do."""
    decoder = _Deflate(frame=-15)
    for chunk in chunks:
        if decoder.eof:
            raise broken(DAMAGED)
        yield from _drain(decoder, chunk)
    if not decoder.eof or decoder.unused_data:
        raise broken(DAMAGED)


def _expand(chunks: Iterator[bytes], new: Callable[[], _Decoder]) -> Iterator[bytes]:
    """Expand one stream after another: compressors that work in parallel write several, and so does `cat a b`.

    Zeros between them are padding.
    """
    decoder = new()
    for chunk in chunks:
        rest = chunk
        while rest:
            if decoder.eof:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                decoder = new()
            yield from _drain(decoder, rest)
            rest = decoder.unused_data
    if not decoder.eof:
        raise broken(TRUNCATED)


def _drain(decoder: _Decoder, data: bytes) -> Iterator[bytes]:
    """All that a decoder makes of ``data``, a piece at a time."""
    yield _piece(decoder, data)
    while not (decoder.eof or decoder.needs_input):
        yield _piece(decoder, b"")


def _piece(decoder: _Decoder, data: bytes) -> bytes:
    try:
        return decoder.decompress(data, _PIECE_BYTES)
    except (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError) as error:  # bz2 has no error of its own
        raise _cause(error) from None


def _cause(error: Exception) -> PotionsError:
    """The error in our words. That reading would take too much memory is told by nothing but its text."""
    if "memory" in str(error).lower():
        return too_large(
            f"Reading it would take more than {_WINDOW_BYTES // MIB} MiB of memory.",
            do="Pack it with xz -9 or less, or with zstd without --long and --ultra.",
        )
    return broken(f"{DAMAGED} ({error})")


def _pass_on(chunks: Iterator[bytes]) -> Iterator[bytes]:
    return chunks


def _expand_zstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    small = (chunk[start : start + _ZSTD_BYTES] for chunk in chunks for start in range(0, len(chunk), _ZSTD_BYTES))
    return _expand(small, _Zstd)


#: For each kind of tar, how its bytes become a tar.
DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    TAR.suffix: _pass_on,
    GZIP.suffix: lambda chunks: _expand(chunks, _gzip),
    ZSTD.suffix: _expand_zstd,
    XZ.suffix: lambda chunks: _expand(chunks, _xz),
    BZIP2.suffix: lambda chunks: _expand(chunks, bz2.BZ2Decompressor),
}
