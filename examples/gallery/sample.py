"""Paints a landscape and writes it as a PNG, with the standard library alone: a real picture to upload.

    python3 sample.py lake.png [--scene 0] [--width 1440] [--height 960]

A scene is a number: its time of day and its mountains. The same number always gives the same picture.
"""

from __future__ import annotations

import argparse
import math
import random
import struct
import zlib
from pathlib import Path

Colour = tuple[int, int, int]

#: For each time of day: the sky from top to horizon, the sun, the far and the near mountains.
PALETTES: list[tuple[list[Colour], Colour, Colour, Colour]] = [
    ([(44, 58, 104), (158, 104, 140), (247, 178, 132)], (255, 238, 205), (168, 112, 134), (34, 32, 60)),
    ([(94, 156, 204), (164, 205, 226), (232, 240, 236)], (255, 255, 240), (150, 180, 190), (34, 70, 74)),
    ([(20, 26, 58), (46, 62, 108), (112, 126, 158)], (240, 240, 226), (70, 84, 124), (12, 18, 36)),
    ([(238, 150, 110), (250, 196, 140), (255, 230, 184)], (255, 250, 222), (206, 138, 112), (84, 44, 50)),
    ([(116, 170, 170), (186, 208, 184), (242, 232, 200)], (255, 250, 230), (140, 172, 156), (26, 58, 52)),
]
RIDGES = 5
HORIZON = 0.68
"""Where the water begins, as a share of the height."""


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` (0 to 1) of the second colour in the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(stops: list[Colour], length: int) -> list[Colour]:
    """``length`` colours from the first stop to the last."""
    span = max(length - 1, 1) / (len(stops) - 1)
    places = [(min(int(index / span), len(stops) - 2), index) for index in range(length)]
    return [mix(stops[stop], stops[stop + 1], min(index / span - stop, 1)) for stop, index in places]


def ridge(chance: random.Random, width: int, roughness: float) -> list[float]:
    """A mountain line: for each column its height between about -1 and 1."""
    waves = [
        (roughness**octave, 2 ** (octave + 1) * chance.uniform(0.7, 1.3), chance.uniform(0, math.tau))
        for octave in range(7)
    ]
    scale = sum(size for size, _, _ in waves) / 1.6
    return [
        sum(size * math.sin(math.pi * speed * x / width + at) for size, speed, at in waves) / scale
        for x in range(width)
    ]


class Canvas:
    """A picture that is painted from back to front."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.pixels = bytearray(3 * width * height)

    def blend(self, x: int, y: int, colour: Colour, share: float) -> None:
        """Put so much of a colour on a pixel."""
        at = 3 * (y * self.width + x)
        old = self.pixels[at : at + 3]
        self.pixels[at : at + 3] = bytes(mix((old[0], old[1], old[2]), colour, share))

    def sky(self, colours: list[Colour]) -> None:
        """Fill the rows from the top, each with its colour."""
        for y, colour in enumerate(colours):
            self.pixels[3 * y * self.width : 3 * (y + 1) * self.width] = bytes(colour) * self.width

    def sun(self, x: int, y: int, radius: int, colour: Colour) -> None:
        """A disc with a glow that fades out."""
        reach = 9 * radius
        glow = [0.55 * (1 - distance / reach) ** 2.4 for distance in range(reach)]
        for row in range(max(0, y - reach), min(self.height, y + reach)):
            start = 3 * row * self.width
            sky: Colour = (self.pixels[start], self.pixels[start + 1], self.pixels[start + 2])
            lit = [bytes(mix(sky, colour, share)) for share in glow]
            half = [math.hypot(column, row - y) for column in range(reach)]
            right = [lit[int(distance)] if distance < reach else bytes(sky) for distance in half]
            self._put_row(x - reach + 1, row, [*right[:0:-1], *right])
            for column in range(-radius - 1, radius + 2):
                self.blend(x + column, row, colour, min(max(radius - half[abs(column)] + 0.5, 0), 1))

    def _put_row(self, x: int, y: int, colours: list[bytes]) -> None:
        """Put a row of pixels that begins at ``x``; what lies outside is cut off."""
        begin, end = max(0, -x), min(len(colours), self.width - x)
        at = 3 * (y * self.width + x + begin)
        self.pixels[at : at + 3 * (end - begin)] = b"".join(colours[begin:end])

    def mountains(self, tops: list[float], colours: list[Colour]) -> None:
        """Fill each column below its top; ``colours`` are those of the rows. The edge is smooth."""
        planes = [bytes(colour[plane] for colour in colours) for plane in range(3)]
        for x, top in enumerate(tops):
            first = math.ceil(top)
            for plane, values in enumerate(planes):
                begin = 3 * (first * self.width + x) + plane
                end = 3 * (len(colours) * self.width + x) + plane
                self.pixels[begin : end : 3 * self.width] = values[first:]
            if first > 0:
                self.blend(x, first - 1, colours[first - 1], first - top)

    def water(self, horizon: int, tint: Colour) -> None:
        """Mirror what is above the horizon, darker, and moved by waves that grow towards the viewer."""
        darker = [bytes(round(value * 0.72 + tint[plane] * 0.16) for value in range(256)) for plane in range(3)]
        for y in range(horizon, self.height):
            depth = y - horizon
            wave = math.sin(60 * math.log1p(depth / 30)) + 0.5 * math.sin(97 * math.log1p(depth / 22))
            source = max(0, horizon - 1 - round(depth * 1.25))
            row = self.pixels[3 * source * self.width : 3 * (source + 1) * self.width]
            row = _moved(row, round(wave * (1 + depth * 0.018)))
            for plane in range(3):
                row[plane::3] = row[plane::3].translate(darker[plane])
            self.pixels[3 * y * self.width : 3 * (y + 1) * self.width] = row

    def png(self) -> bytes:
        """The picture as a PNG file."""
        stride = 3 * self.width
        rows = b"".join(b"\0" + self.pixels[y * stride : (y + 1) * stride] for y in range(self.height))
        header = struct.pack("!IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _moved(row: bytearray, columns: int) -> bytearray:
    """A row of pixels moved to the left, or to the right for a negative number; the pixel at the edge fills the gap."""
    if columns >= 0:
        return row[3 * columns :] + row[-3:] * columns
    return row[:3] * -columns + row[: 3 * columns]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))


def paint(scene: int = 0, width: int = 1440, height: int = 960) -> bytes:
    """The picture of a scene as a PNG file; at least 16 by 16 pixels."""
    chance = random.Random(scene)
    stops, sun, far, near = PALETTES[scene % len(PALETTES)]
    horizon = round(height * HORIZON)
    canvas = Canvas(width, height)
    canvas.sky(gradient(stops, horizon))
    radius = max(2, height // 28)
    canvas.sun(round(width * chance.uniform(0.2, 0.8)), round(horizon * chance.uniform(0.3, 0.62)), radius, sun)
    for number in range(RIDGES):
        _paint_ridge(canvas, chance, number / (RIDGES - 1), horizon, mix(far, near, number / (RIDGES - 1)), stops[-1])
    canvas.water(horizon, stops[0])
    return canvas.png()


def _paint_ridge(
    canvas: Canvas, chance: random.Random, nearness: float, horizon: int, colour: Colour, haze: Colour
) -> None:
    base = horizon * (0.62 + 0.33 * nearness)
    size = horizon * (0.20 - 0.13 * nearness)
    line = ridge(chance, canvas.width, 0.52 + 0.06 * nearness)
    tops = [min(max(base - size * height, 1), horizon - 1) for height in line]
    misty = mix(colour, haze, 0.55 * (1 - 0.75 * nearness))
    top = int(min(tops))
    colours = [colour] * top + gradient([colour, misty], horizon - top)
    canvas.mountains(tops, colours)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description="Paint a landscape and write it as a PNG.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--scene", type=int, default=0, help="a number: time of day and mountains")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=960)
    options = parser.parse_args()
    options.file.write_bytes(paint(options.scene, options.width, options.height))


if __name__ == "__main__":
    main()
