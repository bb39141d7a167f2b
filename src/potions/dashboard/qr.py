"""A QR code as the path of an SVG drawing, so that no picture has to be fetched and no style is in the page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import segno

#: What the standard asks for around a code, in modules.
_QUIET = 4


@dataclass(frozen=True)
class QrCode:
    """A drawing ``size`` units wide and high. It holds a secret where its text does."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """The code of a text of up to about 2,000 characters. Dark modules are what the path fills."""
    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=_QUIET)]
    return QrCode(len(rows), "".join(_runs(y, row) for y, row in enumerate(rows)))


def _runs(y: int, row: bytes) -> str:
    """One row's dark runs, each a rectangle one unit high."""
    parts, x = [], 0
    for dark, modules in groupby(row):
        length = len(list(modules))
        if dark:
            parts.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length
    return "".join(parts)
