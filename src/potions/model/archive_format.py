"""What a release may be sent as: archive formats, told apart by their first bytes, and which links may be in one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from potions.errors import ArchiveBroken, PotionsError, ReleaseRefused


class ArchiveFormat(msgspec.Struct, frozen=True):
    """One format. ``magic`` is how such a file begins; empty for a plain tar, which a checksum tells."""

    suffix: str
    magic: bytes


GZIP = ArchiveFormat("tar.gz", b"\x1f\x8b")
ZSTD = ArchiveFormat("tar.zst", b"\x28\xb5\x2f\xfd")
XZ = ArchiveFormat("tar.xz", b"\xfd7zXZ\0")
BZIP2 = ArchiveFormat("tar.bz2", b"BZh")
TAR = ArchiveFormat("tar", b"")
ZIP = ArchiveFormat("zip", b"PK\x03\x04")
FORMATS = (GZIP, ZSTD, XZ, BZIP2, TAR, ZIP)
ARCHIVE_SUFFIXES = tuple(known.suffix for known in FORMATS)

#: How many of a file's first bytes `suffix_of` wants to see: a tar's first header.
MAGIC_BYTES = 512

#: What people send by mistake, by how it begins.
_OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"PK\x07\x08", "a part of a zip that was split"),
    (b"PK00PK", "a part of a zip that was split"),
    (b"\x5d\0\0", "an lzma archive"),
    (b"LZIP", "an lzip archive"),
    (b"\x04\x22\x4d\x18", "an lz4 archive"),
    (b"\x1f\x9d", "an archive of compress (.Z)"),
    (b"\x1f\xa0", "an archive of compress (.Z)"),
    (b"07070", "a cpio archive"),
    (b"\xc7\x71", "a cpio archive"),
    (b"!<arch>\n", "a Debian package or a static library"),
    (b"\xed\xab\xee\xdb", "an rpm package"),
    (b"xar!", "a macOS package"),
    (b"MSCF", "a cabinet file"),
    (b"hsqs", "a squashfs image"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program, perhaps a self-extracting archive"),
    (b"#!", "a script, perhaps a self-extracting archive"),
    (b"<", "a page of HTML or XML, perhaps the answer to a download that failed"),
)

#: A chain longer than this is refused, as Linux does (ELOOP).
_LINKS_MAX = 40
#: So many names are walked for one link at most. Links of real releases take a tenth; without an end, a chain of links
#: whose targets have 2,000 names each would keep the processor busy for hours.
_NAMES_MAX = 1000


def suffix_of(name: str, first_bytes: bytes) -> str:
    """Return the suffix (``tar.gz``, ``zip`` …) for a file that begins with ``first_bytes``.

    Its name only serves the error. Raises ReleaseRefused for every other kind of file, naming it where it is known, and
    ArchiveBroken for an empty one.
    """
    # Before the others: a tar begins with the name of its first member, which can be any bytes.
    if _is_tar(first_bytes):
        return TAR.suffix
    for known in FORMATS:
        if known.magic and first_bytes.startswith(known.magic):
            return known.suffix
    raise _refusal(name, first_bytes)


def _is_tar(first_bytes: bytes) -> bool:
    """By ``ustar``, or by the checksum of the header: tars of before 1988, and of some tools, have nothing else."""
    if first_bytes[257:262] == b"ustar":
        return True
    try:
        claimed = int(first_bytes[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    header = first_bytes[:148] + b" " * 8 + first_bytes[156:MAGIC_BYTES]
    return len(header) == MAGIC_BYTES and sum(header) == claimed


def _refusal(name: str, first_bytes: bytes) -> PotionsError:
    if not first_bytes:
        return ArchiveBroken(f"{name} is empty.", why="The file has no bytes at all.", do="Pack the release again.")
    if not first_bytes.strip(b"\0"):
        why = "It begins with nothing but zeros: a tar of nothing, or a file that was never written to its end."
        return ArchiveBroken(f"{name} has nothing in it.", why=why, do="Pack the release again.")
    if first_bytes.startswith(b"PK\x05\x06"):
        return ArchiveBroken(f"{name} is a zip with nothing in it.", do="Pack the release again.")
    what = next((what for magic, what in _OTHERS if first_bytes.startswith(magic)), "")
    return ReleaseRefused(
        f"{name} is {what}, which Potions does not read." if what else f"{name} is not an archive that Potions reads.",
        why="It was told by its first bytes, whatever it is called.",
        do=f"Send a directory, or an archive of one of these kinds: {', '.join(ARCHIVE_SUFFIXES)}.",
    )


def link_leaves(folder: tuple[str, ...], target: str, links: Mapping[tuple[str, ...], str]) -> bool:
    """Whether a link to ``target`` in ``folder`` would lead out of the release it is in.

    ``links`` has every link of the release (its path, split, and its target) and is looked at on the way: ``up/..``
    leads out if ``up`` is a link to the top, although its text does not. Absolute targets, endless chains and those
    that take more than 1,000 names to walk lead out too.
    """
    if target.startswith("/"):
        return True
    place, ahead, followed, walked = list(folder), target.split("/")[::-1], 0, 0
    while ahead:
        part = ahead.pop()
        walked += 1
        if walked > _NAMES_MAX:
            return True
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
