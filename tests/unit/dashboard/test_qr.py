"""The QR code of an authenticator's secret, as a drawing."""

from __future__ import annotations

import re

import segno

from potions.dashboard.qr import qr_code

URI = "otpauth://totp/Potions:anna?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Potions"


def test_the_drawing_is_the_code_module_by_module() -> None:
    """Filled as the path says it, it is what the library that makes codes has as a matrix."""
    drawn = qr_code(URI)
    cells = [[0] * drawn.size for _ in range(drawn.size)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", drawn.path):
        for column in range(int(x), int(x) + int(width)):
            cells[int(y)][column] += 1
    assert cells == [list(row) for row in segno.make(URI, error="m", micro=False).matrix_iter(border=4)]


def test_the_drawing_does_not_say_its_text() -> None:
    """What prints it prints no secret in words."""
    assert "secret" not in qr_code(URI).path
