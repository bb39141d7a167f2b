"""A process of its own that draws one picture anew, small: ``python -m potions.dashboard.picture_child EDGE``.

It reads a stored file from its input and writes a WebP to its output. The decoders read what strangers have uploaded,
so they run with little memory and time, without files to write to, and their result is made of pixels alone.
"""

from __future__ import annotations

import io
import os
import resource
import sys

from PIL import Image, ImageOps, UnidentifiedImageError

#: Of what a camera makes, uncompressed 200 MB.
PIXELS_MAX = 50_000_000
#: What is read at most, in bytes; whoever starts this sees to it before.
FILE_MAX = 50 * 1000 * 1000
#: The exit status with a sentence for people as output, instead of a picture.
REFUSED = 3

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_SCALED_AS_THEY_ARE = {"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"}
_MEMORY_BYTES = 768 * 1024 * 1024
_CPU_SECONDS = 10
_NICENESS = 10
_QUALITY = 82


class _Refused(Exception):
    """What is told instead of a picture."""


def draw(data: bytes, edge: int) -> bytes:
    """A WebP of at most ``edge`` pixels a side, the right way up, without what else the file says of itself.

    Raises _Refused.
    """
    # Pillow's own warning at half of what it refuses would go to nobody; the limit here is checked before decoding.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            _refuse_too_large(picture)
            return _drawn(picture, edge)
    except UnidentifiedImageError:
        raise _Refused("It is no PNG, JPEG, GIF or WebP picture, or is damaged.") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
        raise _Refused("The picture is damaged, or there is only a part of it.") from error


def _refuse_too_large(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > PIXELS_MAX:
        raise _Refused(
            f"It has {width:,} × {height:,} pixels; pictures of up to {PIXELS_MAX // 10**6} million are drawn."
        )


def _drawn(picture: Image.Image, edge: int) -> bytes:
    has_alpha = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
    wanted = "RGBA" if has_alpha else "RGB"
    # What can be made smaller as it is needs no second copy of its full size.
    small = picture if picture.mode in _SCALED_AS_THEY_ARE else _eight_bits(picture).convert(wanted)
    small.thumbnail((edge, edge))
    upright = ImageOps.exif_transpose(small).convert(wanted)
    plain = Image.new(wanted, upright.size)
    plain.paste(upright)
    out = io.BytesIO()
    plain.save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()


def _eight_bits(picture: Image.Image) -> Image.Image:
    """A grey picture of 16 bits would else turn white above 255."""
    return picture.point(lambda value: value / 256).convert("L") if picture.mode.startswith("I") else picture


def _limit() -> None:
    os.nice(_NICENESS)
    for what, limit in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def main() -> None:
    _limit()
    try:
        drawn = draw(sys.stdin.buffer.read(FILE_MAX + 1), int(sys.argv[1]))
    except _Refused as refused:
        sys.stdout.buffer.write(str(refused).encode())
        sys.exit(REFUSED)
    except MemoryError:
        sys.stdout.buffer.write(b"It needs more memory than a picture gets here.")
        sys.exit(REFUSED)
    sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
