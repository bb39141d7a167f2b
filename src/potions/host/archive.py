"""Unpacking a release: every member is looked at and written by ourselves, nothing is left to an extractor's judgement.

Runs inside of `Below`, as the app's user: members come from strangers, and apps run beside.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from potions.errors import ReleaseRefused, UnsafePath
from potions.host.archive_decoders import DECODERS
from potions.host.archive_limits import Limits, Report, broken, too_large
from potions.host.archive_member import Member, MemberKind
from potions.host.archive_tar import tar_members
from potions.host.archive_zip import zip_members
from potions.host.descriptors import directory
from potions.host.release_tree import Destination, Parts, ReleaseTree, unsafe
from potions.model.archive_format import ARCHIVE_SUFFIXES, ZIP, link_leaves, suffix_of
from potions.model.deployment import Unpacked

__all__ = ["ARCHIVE_SUFFIXES", "Limits", "Report", "Unpacked", "suffix_of", "unpack", "unpack_into"]

_NAME_MAX_BYTES = 255
#: What Linux takes as a path, and so as a link's target.
_PATH_MAX_BYTES = 4095
#: How the files begin that macOS packs beside others, as ``._NAME``: attributes of NAME, icons.
_SHADOW_MAGIC = b"\0\5\x16\7"
_SHADOW_MAX_BYTES = 1024 * 1024


def _quiet(_done: int, _total: int) -> None:
    return


def unpack(suffix: str, destination: Path, limits: Limits, *, source: int, report: Report = _quiet) -> Unpacked:
    """Unpack the open archive ``source`` (a descriptor at its first byte) into the empty directory ``destination``.

    Of modes only the executable bit is kept, of times the one of files. One directory that encloses everything is
    stripped. ``report`` hears the bytes of the archive read so far and in total, at most every 0.1 s.

    Raises ArchiveBroken (cut off, damaged, self-contradictory, no file in it), ArchiveUnsafe (a member that leaves the
    release, or is no file, directory or link), ArchiveUnreadable (encrypted, or packed by a method of its own),
    ArchiveTooLarge, NoRoom, ReleaseRefused (unknown ``suffix``), UnsafePath (``destination`` is not empty) and OSError.
    What was written until then stays for the caller to remove.
    """
    with directory(destination) as root, closing(ReleaseTree(root, replaces=may_repeat(suffix))) as tree:
        if os.listdir(root):  # noqa: PTH208 - a descriptor, not a path
            raise UnsafePath(f"{destination} is not empty.", why="A release is only unpacked into a clean directory.")
        return unpack_into(tree, suffix, limits, source=source, report=report)


def may_repeat(suffix: str) -> bool:
    """Whether a member may come twice: in a tar that was appended to, yes; in a zip it is a trap."""
    return suffix != ZIP.suffix


def unpack_into(tree: Destination, suffix: str, limits: Limits, *, source: int, report: Report = _quiet) -> Unpacked:
    """Read a whole archive, demand of it what `unpack` demands, and hand each member to ``tree``; see there."""
    unpacking = _Unpacking(tree, limits)
    for member in _members(suffix, source, limits, report):
        unpacking.member(member)
    return unpacking.finish()


def _members(suffix: str, source: int, limits: Limits, report: Report) -> Iterator[Member]:
    if suffix == ZIP.suffix:
        return zip_members(source, limits, report)
    if suffix in DECODERS:
        return tar_members(suffix, source, limits, report)
    raise ReleaseRefused(
        f"Potions does not unpack .{suffix} archives.", do=f"It unpacks: {', '.join(ARCHIVE_SUFFIXES)}."
    )


class _Unpacking:
    """One archive on its way into a directory. Links are kept until the end, so that nothing is written through one."""

    def __init__(self, tree: Destination, limits: Limits) -> None:
        self._tree = tree
        self._limits = limits
        self._links: dict[Parts, str] = {}
        self._link_text = 0
        self._tops: set[str] = set()
        self._flat = False
        self._members = 0
        self._files = 0
        self._bytes = 0
        self._shadows = 0

    def member(self, member: Member) -> None:
        """Write a file or a directory, remember a link, or refuse."""
        self._members += 1
        # Members may say no directory, and lie in a hundred each.
        self._limits.check_members(max(self._members, self._tree.directories))
        parts = self._parts(member.name)
        if member.kind is MemberKind.DIRECTORY:
            self._directory(parts)
            return
        if not parts:
            raise unsafe([member.name], "It is the release itself, and no directory.")
        if member.kind is MemberKind.ODD:
            raise unsafe(parts, member.reason)
        self._refuse_below_link(parts[:-1])
        whole = _without_shadow(member, parts)
        if whole is None:
            self._shadows += 1
            return
        self._flat = self._flat or len(parts) == 1
        self._tops.add(parts[0])
        self._leaf(whole, parts)

    def _leaf(self, member: Member, parts: Parts) -> None:
        if parts in self._links:
            self._tree.make_way(parts)
        if member.kind is MemberKind.LINK:
            self._link(member, parts)
        elif member.kind is MemberKind.HARD_LINK:
            self._hard_link(member, parts)
        else:
            self._file(member, parts)

    def _directory(self, parts: Parts) -> None:
        if parts and not _is_of_macos(parts):
            self._refuse_below_link(parts)
            self._tops.add(parts[0])
            self._tree.folder(parts)

    def _file(self, member: Member, parts: Parts) -> None:
        self._tree.file(parts, member.content(), executable=member.executable, mtime=member.mtime)
        self._links.pop(parts, None)
        self._files += 1
        self._bytes += member.size

    def _link(self, member: Member, parts: Parts) -> None:
        self._links[parts] = _target(member, parts)
        self._link_text += sum(map(len, parts)) + len(member.target)
        if self._link_text > self._limits.link_text:
            raise too_large("The names and targets of its links would fill the memory.")

    def _hard_link(self, member: Member, parts: Parts) -> None:
        earlier = self._parts(member.target)
        self._refuse_below_link(earlier)
        if not earlier:
            raise unsafe(parts, "It is a hard link to the release itself.")
        self._tree.hard_link(parts, earlier)
        self._links.pop(parts, None)
        self._files += 1

    def _parts(self, name: str) -> Parts:
        """A member's name, split, without empty parts; refused if it leaves the release or no disk can hold it."""
        if not name or "\0" in name:
            raise unsafe([name], "It has no name, or a NUL in its name.")
        if name.startswith("/"):
            raise unsafe([name], "Its name is an absolute path.")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts:
            raise unsafe([name], "Its name has .. in it.")
        # A character has 4 bytes at most; encoding every part of every name takes a twentieth of the whole time.
        if any(len(os.fsencode(part)) > _NAME_MAX_BYTES for part in parts if len(part) * 4 > _NAME_MAX_BYTES):
            raise unsafe([name], f"One of its names is longer than {_NAME_MAX_BYTES} bytes.")
        if len(parts) > self._limits.depth:
            raise too_large(f"Its directories are nested more than {self._limits.depth} deep.")
        return parts

    def _refuse_below_link(self, parts: Parts) -> None:
        if self._links and any(parts[:depth] in self._links for depth in range(1, len(parts) + 1)):
            raise unsafe(parts, "A link of the archive is on its way.")

    def finish(self) -> Unpacked:
        """Strip an enclosing directory and make the links, now that nothing will be written any more."""
        if not self._files:
            raise broken("There is no file in it.")
        if len(self._tops) == 1 and not self._flat:
            self._tree.strip(self._tops.pop())
            self._links = {parts[1:]: target for parts, target in self._links.items()}
        for parts, target in self._links.items():
            if link_leaves(parts[:-1], target, self._links):
                raise unsafe(parts, "It is a link that leads out of the release, or nowhere.")
        for parts, target in self._links.items():
            self._tree.symbolic_link(parts, target)
        return Unpacked(self._files, self._bytes, self._shadows)


def _target(member: Member, parts: Parts) -> str:
    target = member.target
    if not target or "\0" in target or len(os.fsencode(target)) > _PATH_MAX_BYTES:
        raise unsafe(parts, "It is a link without a target that a file system could hold.")
    return target


def _without_shadow(member: Member, parts: Parts) -> Member | None:
    """The member as it is to be written; None for what macOS packs beside a file and is no part of the release.

    Left in, Django takes it for a migration, and the one directory beside it would not be stripped.
    """
    if _is_of_macos(parts):
        return None
    if member.kind is not MemberKind.FILE or not parts[-1].startswith("._") or member.size > _SHADOW_MAX_BYTES:
        return member
    # What was looked at cannot be read once more from a stream.
    data = b"".join(member.content())
    return None if data.startswith(_SHADOW_MAGIC) else replace(member, content=lambda: iter([memoryview(data)]))


def _is_of_macos(parts: Parts) -> bool:
    """Whether it lies where macOS puts such files in a zip."""
    return parts[0] == "__MACOSX"
