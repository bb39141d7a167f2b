"""What `potions deploy` sends: a directory that is packed on the way, or an archive as it is."""

from __future__ import annotations

from potions.packing.listing import LeftOut
from potions.packing.source import ReleaseSource, open_release
from potions.packing.tarball import Progress

__all__ = ["LeftOut", "Progress", "ReleaseSource", "open_release"]
