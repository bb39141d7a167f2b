"""Pictures drawn anew by a process with limits: what is one, what is none, and what is a bomb."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections.abc import AsyncIterator

import anyio
import psutil
import pytest
from PIL import Image

from potions.dashboard import pictures
from potions.dashboard.picture_child import FILE_MAX
from potions.errors import PictureRefused


def encoded(picture: Image.Image, form: str, **more: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **more)
    return out.getvalue()


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]


def draw(data: bytes) -> Image.Image:
    drawn = anyio.run(pictures.draw, _pieces(data))
    return Image.open(io.BytesIO(drawn))


def drawing_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "potions.dashboard.picture_child" in child.cmdline()]


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG by hand: 8 bits of grey a pixel, with whatever compressed rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_is_drawn_anew_and_small(form: str) -> None:
    """Always as WebP, whatever was stored, and in its proportions."""
    drawn = draw(encoded(Image.new("RGB", (3200, 800), "teal"), form))
    assert (drawn.format, drawn.size) == ("WEBP", (1600, 400))
    red, green, blue = drawn.convert("RGB").getpixel((800, 200))
    assert red < 20 and abs(green - 128) < 20 and abs(blue - 128) < 20


def test_a_small_picture_keeps_its_size_and_what_shines_through() -> None:
    """Nothing is blown up, and a logo has no black box."""
    drawn = draw(encoded(Image.new("RGBA", (10, 20), (0, 0, 0, 0)), "PNG"))
    assert (drawn.size, drawn.convert("RGBA").getpixel((5, 5))[3]) == ((10, 20), 0)


def test_sixteen_bits_of_grey_are_not_white() -> None:
    """They are scaled, not cut."""
    drawn = draw(encoded(Image.new("I;16", (8, 8), 32768), "PNG"))
    assert abs(drawn.convert("L").getpixel((4, 4)) - 128) < 8


def test_what_a_camera_wrote_beside_the_pixels_is_left_out_and_obeyed() -> None:
    """The picture is the right way up, and does not say where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "at home"
    drawn = draw(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif))
    assert drawn.size == (20, 40)
    assert not drawn.getexif() and "exif" not in drawn.info


def test_only_pixels_come_out() -> None:
    """What hides in a stored picture, a page or a script, is not in what is shown."""
    hidden = b"<script>alert(1)</script>"
    data = encoded(Image.new("RGB", (20, 20)), "PNG") + hidden
    assert hidden not in anyio.run(pictures.draw, _pieces(data))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NO_PICTURES = {
    "nothing": b"",
    "svg": SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "tiff": encoded(Image.new("RGB", (9, 9)), "TIFF"),
    "bmp": encoded(Image.new("RGB", (9, 9)), "BMP"),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n",
    "half a png": encoded(Image.effect_noise((200, 200), 50), "PNG")[:3000],
    "half a jpeg": encoded(Image.effect_noise((200, 200), 50), "JPEG")[:3000],
    "noise": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
}


@pytest.mark.parametrize("data", NO_PICTURES.values(), ids=NO_PICTURES.keys())
def test_what_is_no_picture_is_refused_with_words(data: bytes) -> None:
    """Nothing of it is decoded by anything else than the four decoders, and nobody sees half a picture."""
    with pytest.raises(PictureRefused, match="There is no picture to show") as refused:
        draw(data)
    assert refused.value.do


BOMBS = {
    "many pixels": png(60_000, 60_000, zlib.compress(bytes(60_001) * 100)),
    "a picture that unpacks to much more than it says": png(100, 100, zlib.compress(bytes(10**8), 9)),
    "many frames": encoded(
        Image.new("P", (3000, 3000)), "GIF", save_all=True, append_images=[Image.new("P", (3000, 3000))] * 3
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little_memory_and_time(name: str) -> None:
    """It is refused, or its first frame is drawn; never with more memory than a picture gets."""
    peak = 0

    async def watched() -> None:
        nonlocal peak
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            try:
                await pictures.draw(_pieces(BOMBS[name]))
            except PictureRefused:
                pass
            finally:
                group.cancel_scope.cancel()

    async def watch() -> None:
        nonlocal peak
        while True:
            for child in psutil.Process().children(recursive=True):
                try:
                    peak = max(peak, child.memory_info().rss)
                except psutil.Error:
                    continue
            await anyio.sleep(0.005)

    began = time.monotonic()
    anyio.run(watched)
    assert 0 < peak < 600 * 2**20
    assert time.monotonic() - began < pictures._SECONDS


def test_too_many_pixels_are_told_before_one_is_decoded() -> None:
    """With the numbers, so that somebody knows what to do."""
    with pytest.raises(PictureRefused, match="60,000 × 60,000"):
        draw(BOMBS["many pixels"])


def test_a_decoder_that_needs_more_than_it_gets_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is told, and no process stays."""
    monkeypatch.setattr(pictures, "_SECONDS", 0.2)

    async def slow() -> AsyncIterator[bytes]:
        yield b"\x89PNG"
        await anyio.sleep_forever()

    with pytest.raises(PictureRefused, match="took longer"):
        anyio.run(pictures.draw, slow())
    assert drawing_processes() == []


def test_a_file_that_is_too_large_is_not_read() -> None:
    """The refusal says how large one may be."""
    pictures.refuse_large_file(FILE_MAX)
    with pytest.raises(PictureRefused, match="50 MB"):
        pictures.refuse_large_file(FILE_MAX + 1)


def test_the_decoder_knows_nothing_of_this_process() -> None:
    """Its environment is empty."""
    os.environ["POTIONS_TEST_SECRET"] = "hidden"
    seen: list[dict[str, str]] = []

    async def spied() -> AsyncIterator[bytes]:
        while not (drawing := drawing_processes()):
            await anyio.sleep(0.005)
        seen.extend(child.environ() for child in drawing)
        yield encoded(Image.new("RGB", (4, 4)), "PNG")

    try:
        anyio.run(pictures.draw, spied())
    finally:
        del os.environ["POTIONS_TEST_SECRET"]
    assert seen == [{"LANG": "C.UTF-8"}]
