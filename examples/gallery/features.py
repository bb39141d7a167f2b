"""What each version of the gallery can do and looks like: the only place where versions differ."""

from __future__ import annotations

from typing import NamedTuple


class Accent(NamedTuple):
    """A colour for links and buttons and the one for text on it, as CSS."""

    colour: str
    text: str


class Features(NamedTuple):
    """One version of the gallery."""

    light: Accent
    dark: Accent
    captions: bool = False
    """A line below each photo: what it shows, when it was added, how large it is."""
    lightbox: bool = False
    """A photo opens large on the page; arrow keys go on to the next."""
    mosaic: bool = False
    """The newest photo is shown larger than the others."""


FEATURES = {
    "1": Features(light=Accent("#2c6b66", "#ffffff"), dark=Accent("#83cbc3", "#0d1f1d")),
    "2": Features(
        light=Accent("#a8452a", "#ffffff"),
        dark=Accent("#f2a587", "#2a110a"),
        captions=True,
        lightbox=True,
        mosaic=True,
    ),
}


def features_of(version: str) -> Features:
    """The features of a version such as ``1`` or ``2.1``; those of the newest for a version that is not listed."""
    return FEATURES.get(version.partition(".")[0], FEATURES[max(FEATURES)])
