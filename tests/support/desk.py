"""A place to unpack archives: a directory for the release, beside one that has to stay as it is."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

from potions.host.archive import Limits, Unpacked, unpack
from support.archives import archive_of, tree

Member = tuple[tarfile.TarInfo, bytes]


class Desk:
    """``release`` is unpacked into; ``outside`` is beside it."""

    def __init__(self, root: Path) -> None:
        self.outside = root / "outside"
        self.outside.mkdir()
        (self.outside / "kept").write_text("as it was")
        self.release = root / "release"
        self.release.mkdir()
        self.archive = root / "archive"

    def unpack(self, data: bytes, suffix: str = "tar.gz", limits: Limits | None = None, **more: Any) -> Unpacked:
        self.archive.write_bytes(data)
        source = os.open(self.archive, os.O_RDONLY)
        try:
            return unpack(suffix, self.release, limits or Limits(), source=source, **more)
        finally:
            os.close(source)

    def put(self, *members: Member, suffix: str = "tar.gz", **more: Any) -> Unpacked:
        """Unpack an archive of these members."""
        return self.unpack(archive_of(members, suffix), suffix, **more)

    def is_untouched_outside(self) -> bool:
        beside = sorted(path.name for path in self.release.parent.iterdir())
        return tree(self.outside) == {"kept": b"as it was"} and beside == ["archive", "outside", "release"]
