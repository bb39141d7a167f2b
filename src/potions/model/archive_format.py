"""What a release may be sent as: archive formats, told apart by their first bytes, and which links may be in one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from potions.errors import ArchiveBroken, ReleaseRefused


class ArchiveFormat(msgspec.Struct, frozen=True):
    """One format. ``magic`` is how such a file begins."""

    suffix: str
    magic: bytes


GZIP = ArchiveFormat("tar.gz", b"\x1f\x8b")
ZSTD = ArchiveFormat("tar.zst", b"\x28\xb5\x2f\xfd")
FORMATS = (GZIP, ZSTD)
ARCHIVE_SUFFIXES = tuple(known.suffix for known in FORMATS)

#: How many of a file's first bytes `suffix_of` wants to see.
MAGIC_BYTES = max(len(known.magic) for known in FORMATS)

#: A chain longer than this is refused, as Linux does (ELOOP).
_LINKS_MAX = 40


def suffix_of(name: str, first_bytes: bytes) -> str:
    """Return ``tar.gz`` or ``tar.zst`` for a file that begins with ``first_bytes``; its name only serves the error.

    Raises ReleaseRefused for every other kind of file, and ArchiveBroken for an empty one.
    """
    for known in FORMATS:
        if first_bytes.startswith(known.magic):
            return known.suffix
    if not first_bytes:
        raise ArchiveBroken(f"{name} is empty.", why="The file has no bytes at all.", do="Pack the release again.")
    raise ReleaseRefused(
        f"{name} is not an archive that Potions reads.",
        why="By its first bytes it is neither gzip nor zstd, whatever it is called.",
        do=f"Send a directory, or an archive of one of these kinds: {', '.join(ARCHIVE_SUFFIXES)}.",
    )


def link_leaves(folder: tuple[str, ...], target: str, links: Mapping[tuple[str, ...], str]) -> bool:
    """Whether a link to ``target`` in ``folder`` would lead out of the release it is in.

    ``links`` has every link of the release (its path, split, and its target) and is looked at on the way: ``up/..``
    leads out if ``up`` is a link to the top, although its text does not. Absolute targets and endless chains lead out
    too.
    """
    if target.startswith("/"):
        return True
    place, ahead, followed = list(folder), target.split("/")[::-1], 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            if not place:
                return True
            place.pop()
        elif part not in ("", "."):
            place.append(part)
            onward = links.get(tuple(place))
            if onward is not None:
                followed += 1
                if followed > _LINKS_MAX or onward.startswith("/"):
                    return True
                place.pop()
                ahead += onward.split("/")[::-1]
    return False
