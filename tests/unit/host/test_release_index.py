"""Indexing an archive: the same files as unpacking it, the same refusals, and nothing written."""

from __future__ import annotations

import os
import random
import stat
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potions.errors import ArchiveBroken, ArchiveTooLarge, ArchiveUnsafe, PotionsError
from potions.host import release_index
from potions.host.archive import Limits, Unpacked, unpack
from potions.host.release_index import ReleaseIndex, index_release
from potions.model.release_diff import FileKind
from support.archives import file, folder, hard_link, link, member, packed, tar
from support.zips import Entry, zip_of

Member = tuple[tarfile.TarInfo, bytes]


def indexed(data: bytes, suffix: str = "tar.gz", limits: Limits | None = None) -> ReleaseIndex:
    with tempfile.TemporaryFile(buffering=0) as archive:
        archive.write(data)
        archive.seek(0)
        return index_release(suffix, limits or Limits(), source=archive.fileno())


def index(*members: Member) -> ReleaseIndex:
    return indexed(packed(tar(members)))


def looks(found: ReleaseIndex) -> dict[str, tuple[FileKind, int]]:
    return {os.fsdecode(one.path): (one.kind, one.size) for one in found.files}


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.zst"])
def test_files_programs_and_links_are_indexed(suffix: str) -> None:
    """With sizes, however they were compressed; a directory is nothing of its own."""
    members = [folder("./"), file("./Procfile", b"web"), file("./bin/run", mode=0o700), link("./now", "bin/run")]
    found = indexed(packed(tar(members), suffix), suffix)
    assert looks(found) == {
        "Procfile": (FileKind.FILE, 3),
        "bin/run": (FileKind.PROGRAM, 5),
        "now": (FileKind.LINK, 0),
    }
    assert found.contents == Unpacked(files=2, bytes=8)


def test_the_same_content_has_the_same_hash() -> None:
    """Under any name and in pieces of any size; a single other byte makes another one."""
    data = random.Random(1).randbytes(3_000_001)
    hashes = {one.path: one.content for one in index(file("a", data), file("b", data), file("c", data[:-1])).files}
    assert hashes[b"a"] == hashes[b"b"] != hashes[b"c"]
    assert len({len(one) for one in hashes.values()}) == 1


def test_an_enclosing_directory_is_stripped_as_in_unpacking() -> None:
    """Or else the same files, packed differently, would all count as changed."""
    assert looks(index(folder("app"), file("app/app/x"), link("app/l", "app/x"))).keys() == {"app/x", "l"}


def test_the_last_member_of_a_name_counts() -> None:
    """As it does when they are unpacked."""
    found = looks(index(file("x"), file("a", b"1"), file("a", b"22"), file("b"), link("b", "a"), hard_link("c", "a")))
    assert found == {
        "x": (FileKind.FILE, 5),
        "a": (FileKind.FILE, 2),
        "b": (FileKind.LINK, 0),
        "c": (FileKind.FILE, 2),
    }


def test_names_need_not_be_utf8() -> None:
    """A name is bytes."""
    assert {one.path for one in index(file("x"), file("caf\udce9")).files} == {b"x", b"caf\xe9"}


HOSTILE: dict[str, list[Member]] = {
    "absolute name": [file("/etc/potions")],
    "parent": [file("../outside/new")],
    "link out": [link("l", "../outside")],
    "links that lead out together": [folder("a/b"), link("a/b/top", "../.."), link("l", "a/b/top/../outside")],
    "file below a link": [folder("d"), link("l", "d"), file("l/f")],
    "device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "directory over a file": [file("a"), folder("a")],
    "file below a file": [file("a"), file("a/b")],
    "file over a directory": [folder("a"), file("a")],
    "link over a directory": [file("d/f"), link("d", "x")],
    "link below a link": [link("l/m", "x"), link("l", "d"), folder("d")],
    "hard link to a link": [link("l", "x"), hard_link("h", "l")],
    "hard link to a directory": [folder("d"), hard_link("h", "d")],
    "hard link to nothing": [hard_link("h", "nothing")],
    "hard link over a directory": [file("a"), folder("d"), hard_link("d", "a")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_unpacked_is_not_indexed(members: list[Member]) -> None:
    """Refused with the same words: what nobody could deploy is compared with nothing."""
    with pytest.raises(ArchiveUnsafe) as refused:
        index(file("first"), *members)
    assert refused.value.why and refused.value.do


def test_limits_hold() -> None:
    """Count and size end the reading, as they end the unpacking."""
    data = packed(tar([file("a", b"x" * 1000), file("b")]))
    for limits in (Limits(files=1), Limits(bytes=500)):
        with pytest.raises(ArchiveTooLarge):
            indexed(data, limits=limits)


@pytest.mark.parametrize(
    "member_of", [lambda name: file(name), lambda name: folder(name), lambda name: link("l", name)]
)
def test_names_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch, member_of) -> None:
    """Those of files, of directories and of what links lead to."""
    monkeypatch.setattr(release_index, "_NAMES_MAX_BYTES", 300)
    assert index(file("a"), member_of("n" * 200)).files
    with pytest.raises(ArchiveTooLarge, match="names"):
        index(file("a"), member_of("/".join(["n" * 100] * 4)))


def test_a_cut_off_archive_is_broken() -> None:
    """Half an index would show the other half as removed."""
    with pytest.raises(ArchiveBroken):
        indexed(packed(tar([file("a", random.Random(1).randbytes(3000))]))[:-9])


MEMBERS = st.builds(
    member,
    st.lists(st.sampled_from(["a", "b", "c", ".", "..", ""]), min_size=1, max_size=4).map("/".join),
    type=st.sampled_from([tarfile.REGTYPE, tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]),
    linkname=st.lists(st.sampled_from(["a", "b", "c", "..", ""]), max_size=3).map("/".join),
    mode=st.sampled_from([0o644, 0o755]),
)


@settings(max_examples=200, deadline=None)
@given(members=st.lists(MEMBERS, max_size=7))
def test_an_index_is_what_unpacking_gives(members: list[Member]) -> None:
    """For any members: both refuse them in the same words, or the index has exactly the files that are on the disk."""
    data = packed(tar([(info, bytes(info.name, "utf-8") if info.isreg() else b"") for info, _ in _sized(members)]))
    with tempfile.TemporaryDirectory() as root:
        assert _told(lambda: _listed(Path(root), data)) == _told(lambda: looks(indexed(data)))


def _sized(members: list[Member]) -> list[Member]:
    for info, _ in members:
        info.size = len(info.name.encode()) if info.isreg() else 0
    return members


def _told(act):
    try:
        return act()
    except PotionsError as error:
        return str(error)


def _listed(root: Path, data: bytes) -> dict[str, tuple[FileKind, int]]:
    """What is on the disk once it is unpacked."""
    with tempfile.TemporaryFile(buffering=0) as archive:
        archive.write(data)
        archive.seek(0)
        unpack("tar.gz", root, Limits(), source=archive.fileno())
    return {str(path.relative_to(root)): _look(path) for path in root.rglob("*") if path.is_symlink() or path.is_file()}


def _look(path: Path) -> tuple[FileKind, int]:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return FileKind.LINK, 0
    return FileKind.PROGRAM if found.st_mode & 0o100 else FileKind.FILE, found.st_size


def test_a_zip_is_indexed_as_a_tar_is() -> None:
    """The same files have the same hashes, and what comes twice in a zip is refused, as in unpacking it."""
    in_tar = index(file("Procfile", b"web"), file("bin/run", mode=0o755))
    run = Entry(b"bin/run", mode=stat.S_IFREG | 0o755)
    in_zip = indexed(zip_of([Entry(b"Procfile", b"web"), run]), "zip")
    assert set(in_zip.files) == set(in_tar.files)
    with pytest.raises(ArchiveUnsafe, match="twice"):
        indexed(zip_of([Entry(b"a"), Entry(b"a", b"again")]), "zip")
