"""Unpacking: what arrives, and what every hostile or broken archive gets instead."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potions.errors import (
    ArchiveBroken,
    ArchiveTooLarge,
    ArchiveUnsafe,
    PotionsError,
    ReleaseRefused,
    UnsafePath,
)
from potions.host.archive import ARCHIVE_SUFFIXES, Limits, Unpacked, suffix_of, unpack
from support.archives import file, folder, hard_link, link, member, packed, tar, tree

Member = tuple[tarfile.TarInfo, bytes]


class Desk:
    """A directory to unpack into, beside one that must stay as it is."""

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

    def put(self, *members: Member, **more: Any) -> Unpacked:
        return self.unpack(packed(tar(members)), **more)

    def is_untouched_outside(self) -> bool:
        beside = sorted(path.name for path in self.release.parent.iterdir())
        return tree(self.outside) == {"kept": b"as it was"} and beside == ["archive", "outside", "release"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# What arrives


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_files_directories_and_links_arrive(desk: Desk, suffix: str) -> None:
    """A release comes out as it went in, whichever way it was compressed."""
    members = [
        folder("./"),
        file("./Procfile", b"web: x"),
        folder("./bin"),
        file("./bin/run"),
        link("./now", "bin/run"),
    ]
    done = desk.unpack(packed(tar(members), suffix), suffix)
    assert tree(desk.release) == {"Procfile": b"web: x", "bin": "/", "bin/run": b"hello", "now": "-> bin/run"}
    assert done == Unpacked(files=2, bytes=11)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_are_exact_whatever_archive_and_umask_say(desk: Desk, umask: int) -> None:
    """Only the executable bit comes from the archive: no setuid, nothing writable by others, nothing unreadable."""
    before = os.umask(umask)
    try:
        desk.put(file("a", mode=0o4777), file("b", mode=0o600), folder("c", mode=0o000), file("d/e", mode=0o100))
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((desk.release / name).stat().st_mode) for name in ("a", "b", "c", "d", "d/e")}
    assert modes == {"a": 0o755, "b": 0o644, "c": 0o755, "d": 0o755, "d/e": 0o755}


@pytest.mark.parametrize("mtime, kept", [(1_700_000_000, 1_700_000_000), (-5, 0), (float("inf"), 0), (float("nan"), 0)])
def test_times_are_kept_where_a_disk_can_hold_them(desk: Desk, mtime: float, kept: int) -> None:
    """Compiled files and caches compare times; nonsense in a header is no reason to fail."""
    headers = {} if mtime == kept else {"mtime": str(mtime)}
    desk.put(file("a", mtime=1_700_000_000, pax_headers=headers))
    assert int((desk.release / "a").stat().st_mtime) == kept


def test_one_enclosing_directory_is_stripped(desk: Desk) -> None:
    """`tar czf app.tar.gz app/` deploys like `tar czf app.tar.gz -C app .`; its links still stay inside."""
    desk.put(folder("app"), file("app/app/app", b"1"), file("app/b", b"2"), link("app/l", "app/app"))
    assert tree(desk.release) == {"app": "/", "app/app": b"1", "b": b"2", "l": "-> app/app"}


def test_a_lone_file_beside_nothing_is_not_stripped(desk: Desk) -> None:
    """Only a directory can enclose a release."""
    desk.put(file("app", b"1"))
    assert tree(desk.release) == {"app": b"1"}


def test_only_the_outermost_directory_is_stripped(desk: Desk) -> None:
    """A release of one directory keeps it when the archive encloses both."""
    desk.put(file("app/bin/run"))
    assert tree(desk.release) == {"bin": "/", "bin/run": b"hello"}


def test_the_last_member_of_a_name_wins(desk: Desk) -> None:
    """As with tar: a later file replaces an earlier one, and a link a file."""
    desk.put(file("x"), file("a", b"1"), file("a", b"2"), file("b", b"1"), link("b", "a"), link("c", "a"), file("c"))
    assert tree(desk.release) == {"x": b"hello", "a": b"2", "b": "-> a", "c": b"hello"}


def test_a_hard_link_to_an_earlier_file_is_that_file(desk: Desk) -> None:
    """Hard links inside of the release are kept, and count as files."""
    done = desk.put(file("d/a", b"1"), hard_link("./b", "./d/a"))
    assert (desk.release / "b").samefile(desk.release / "d/a")
    assert done.files == 2


def test_names_need_not_be_utf8(desk: Desk) -> None:
    """A name is bytes, and those bytes arrive."""
    desk.put(file("x"), file("caf\udce9", b"1"))
    assert (os.fsencode(desk.release) + b"/caf\xe9").decode("utf-8", "surrogateescape") in map(
        str, desk.release.iterdir()
    )


def test_long_names_and_large_files_arrive(desk: Desk) -> None:
    """Names beyond the old header's 100 bytes, and files beyond one piece."""
    data = random.Random(1).randbytes(3_000_001)
    desk.put(file("/".join(["d" * 200] * 9 + ["f"]).removeprefix("/"), data), file("z"))
    assert (desk.release / "/".join(["d" * 200] * 9 + ["f"])).read_bytes() == data


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_what_gnu_tar_writes_is_read(desk: Desk, tmp_path_factory: pytest.TempPathFactory, form: str) -> None:
    """The tar that people have: its own long names, its padding, its global headers."""
    source = tmp_path_factory.mktemp("source")
    (source / ("n" * 150)).mkdir()
    (source / ("n" * 150) / ("m" * 150)).write_text("deep")
    (source / "l").symlink_to("n" * 150)
    made = subprocess.run(["tar", f"--format={form}", "-cz", "-C", source, "."], check=True, capture_output=True)
    desk.unpack(made.stdout)
    assert tree(desk.release) == tree(source)


def test_several_compressed_parts_are_one_archive(desk: Desk) -> None:
    """Compressors that work in parallel, and `cat a b`, write several members or frames."""
    whole = tar([file("a", b"x" * 5000), file("b")])
    for number, suffix in enumerate(ARCHIVE_SUFFIXES):
        desk.release = desk.release.parent / f"release{number}"
        desk.release.mkdir()
        desk.unpack(packed(whole[:3000], suffix) + packed(whole[3000:], suffix), suffix)
        assert tree(desk.release) == {"a": b"x" * 5000, "b": b"hello"}


def test_progress_reaches_the_archives_size(desk: Desk) -> None:
    """What is reported are bytes of the archive, rising, and all of them in the end."""
    heard: list[tuple[int, int]] = []
    desk.put(file("a", random.Random(1).randbytes(2_000_000)), report=lambda done, total: heard.append((done, total)))
    size = desk.archive.stat().st_size
    assert heard == sorted(heard)
    assert heard[-1] == (size, size)


# What is refused as unsafe

UNSAFE: dict[str, list[Member]] = {
    "absolute name": [file("/etc/potions")],
    "parent": [file("../outside/new")],
    "parent in the middle": [file("a/../../outside/new")],
    "parent that would stay inside": [file("a/../b")],
    "parent directory": [folder("..")],
    "NUL in a name": [file("x", pax_headers={"path": "a\0b"})],
    "no name": [file("x", pax_headers={"path": ""})],
    "the release as a file": [file("x", pax_headers={"path": "./"}, type=tarfile.CONTTYPE)],
    "long name": [file("n" * 256)],
    "character device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "block device": [member("disk", type=tarfile.BLKTYPE, devmajor=8)],
    "named pipe": [member("pipe", type=tarfile.FIFOTYPE)],
    "unknown type": [member("odd", type=b"Z")],
    "sparse file": [
        file("s", b"1", pax_headers={"GNU.sparse.major": "0", "GNU.sparse.map": "0,1", "GNU.sparse.size": "1"})
    ],
    "absolute link": [link("l", "/etc/passwd")],
    "link out": [link("l", "../outside")],
    "link out from a folder": [link("d/l", "../../outside/kept")],
    "link out after stripping": [file("app/x"), link("app/l", "../outside")],
    "link without a target": [link("l", "")],
    "links that lead out together": [folder("a/b"), link("a/b/top", "../.."), link("l", "a/b/top/../outside")],
    "links that lead out, later first": [link("l", "a/b/top/../outside"), folder("a/b"), link("a/b/top", "../..")],
    "links in a circle": [link("a", "b"), link("b", "a")],
    "file below a link": [folder("d"), link("l", "d"), file("l/f")],
    "file below a link that leaves": [link("l", "../outside"), file("l/new")],
    "directory below a link": [folder("d"), link("l", "d"), folder("l/e")],
    "directory over a link": [folder("d"), link("l", "d"), folder("l")],
    "link over a directory": [file("d/f"), link("d", "x")],
    "link below a link": [link("l/m", "x"), link("l", "d"), folder("d")],
    "directory over a file": [file("a"), folder("a")],
    "file below a file": [file("a"), file("a/b")],
    "file over a directory": [folder("a"), file("a")],
    "hard link out": [hard_link("h", "../outside/kept")],
    "absolute hard link": [hard_link("h", "/etc/passwd")],
    "hard link to a link": [link("l", "x"), hard_link("h", "l")],
    "hard link below a link": [folder("d"), file("d/f"), link("l", "d"), hard_link("h", "l/f")],
    "hard link to a directory": [folder("d"), hard_link("h", "d")],
    "hard link to nothing": [hard_link("h", "nothing")],
    "hard link to a later file": [hard_link("h", "f"), file("f")],
    "hard link to the release": [hard_link("h", ".")],
}


@pytest.mark.parametrize("members", UNSAFE.values(), ids=UNSAFE.keys())
def test_a_member_that_could_leave_the_release_is_refused(desk: Desk, members: list[Member]) -> None:
    """Refused by name and reason, and nothing beside the release was made or changed."""
    with pytest.raises(ArchiveUnsafe) as refused:
        desk.put(file("first"), *members) if members[0][0].name != "app/x" else desk.put(*members)
    assert refused.value.why and refused.value.do
    assert desk.is_untouched_outside()


@pytest.mark.parametrize(
    "case",
    ["file below a link", "directory below a link", "directory over a link", "hard link below a link"],
)
def test_a_member_below_a_link_is_refused_for_that(desk: Desk, case: str) -> None:
    """At once and with the reason, not when the link itself finds its place taken."""
    with pytest.raises(ArchiveUnsafe, match="A link of the archive is on its way"):
        desk.put(*UNSAFE[case])


def test_a_link_that_an_app_puts_in_the_way_is_not_followed(desk: Desk) -> None:
    """A directory of the release that was swapped for a link meanwhile ends the unpacking."""
    swapped: list[bool] = []

    def swap(_done: int, _total: int) -> None:
        if not swapped and (desk.release / "d").exists():
            (desk.release / "d").rename(desk.outside.parent / "release" / "aside")
            (desk.release / "d").symlink_to(desk.outside)
            swapped.append(True)

    noise = random.Random(1)
    folders = [file(f"d/{number}/f", noise.randbytes(20_000)) for number in range(300)]
    desk.archive.write_bytes(packed(tar([file("d/first"), *folders, file("d/new")])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("potions.host.archive_stream._SECONDS_BETWEEN_REPORTS", 0.0)
        with pytest.raises(ArchiveUnsafe):
            desk.unpack(desk.archive.read_bytes(), report=swap)
    assert swapped
    assert tree(desk.outside) == {"kept": b"as it was"}


MEMBERS = st.builds(
    member,
    st.lists(st.sampled_from(["a", "b", "..", ".", "", "outside", "kept"]), min_size=1, max_size=4).map("/".join),
    type=st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
    linkname=st.lists(st.sampled_from(["a", "b", "..", ".", "", "outside"]), max_size=4).map("/".join),
)


@settings(max_examples=150, deadline=None)
@given(members=st.lists(MEMBERS, max_size=8))
def test_no_archive_writes_or_leads_outside(members: list[Member]) -> None:
    """Whatever the members, nothing outside changes; and if all are accepted, no link leads out."""
    with tempfile.TemporaryDirectory() as root:
        desk = Desk(Path(root))
        try:
            desk.put(*members)
        except PotionsError:
            pass
        else:
            top = desk.release.resolve()
            assert all(path.resolve().is_relative_to(top) for path in desk.release.rglob("*"))
        assert desk.is_untouched_outside()


# What is refused as broken

WHOLE = tar([file("a", b"x" * 3000), file("b", b"y" * 3000)])


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
@pytest.mark.parametrize("cut", [1, 4, 8, 9, 200])
def test_a_cut_off_archive_is_broken(desk: Desk, suffix: str, cut: int) -> None:
    """However little is missing at the end, even only the checksum."""
    data = packed(tar([file("a", random.Random(1).randbytes(3000))]), suffix)
    with pytest.raises(ArchiveBroken):
        desk.unpack(data[:-cut], suffix)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
@pytest.mark.parametrize("length", [0, 511, 512, 513, 2000, 3584, 4096, 5000, 7168])
def test_a_tar_that_was_cut_off_before_it_was_compressed_is_broken(desk: Desk, suffix: str, length: int) -> None:
    """In a header, in a file's bytes, between two members, before its end marks: whole compression proves nothing."""
    with pytest.raises(ArchiveBroken):
        desk.unpack(packed(WHOLE[:length], suffix), suffix)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_a_damaged_byte_is_noticed(desk: Desk, suffix: str) -> None:
    """The checksum at the very end is looked at, although tar itself ended earlier."""
    data = bytearray(packed(tar([file("a", random.Random(1).randbytes(3000))]), suffix))
    data[len(data) // 2] ^= 1
    with pytest.raises(ArchiveBroken):
        desk.unpack(bytes(data), suffix)


@pytest.mark.parametrize(
    "data",
    {
        "no tar": packed(b"hello" * 1000),
        "only zeros": packed(bytes(10240)),
        "garbage between members": packed(WHOLE[:4096] + b"?" * 512 + WHOLE[4096:]),
        "garbage after the end": packed(WHOLE + b"?" * 512),
        "another tar after the end": packed(WHOLE + WHOLE),
        "garbage after the compression": packed(WHOLE) + b"?" * 100,
        "no file": packed(tar([folder("a"), link("b", "a")])),
        "no compression": WHOLE,
        "nothing": b"",
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_no_whole_archive_is_broken(desk: Desk, data: tuple[str, bytes]) -> None:
    """Said in plain words, with what to do; nothing is taken for an end that is none."""
    with pytest.raises(ArchiveBroken) as broken:
        desk.unpack(data[1])
    assert broken.value.why and broken.value.do


def test_a_member_of_negative_size_is_broken(desk: Desk) -> None:
    """A size that counts backwards would read the same bytes for ever."""
    with pytest.raises(ArchiveBroken):
        desk.put(file("a", b"1", pax_headers={"size": "-1024"}), file("b"))


def test_endless_headers_are_broken(desk: Desk) -> None:
    """Extended headers that only describe each other end the unpacking, not the interpreter."""
    header = tarfile.TarInfo.create_pax_global_header({"comment": "again"})
    extended = header.replace(b"g", b"x", 1) if header[156:157] != b"g" else header
    with pytest.raises(ArchiveBroken):
        desk.unpack(packed(extended * 3000 + tar([file("a")])))


def test_another_format_is_refused_with_those_that_work(desk: Desk) -> None:
    """A format that is not unpacked is named, and so are the ones that are."""
    with pytest.raises(ReleaseRefused, match=r"tar\.gz, tar\.zst"):
        desk.unpack(b"PK", "zip")


@pytest.mark.parametrize("first, suffix", [(b"\x1f\x8b\x08\x00", "tar.gz"), (b"\x28\xb5\x2f\xfd", "tar.zst")])
def test_the_first_bytes_decide_and_not_the_name(first: bytes, suffix: str) -> None:
    """A file is what it contains, whatever it is called."""
    assert suffix_of("app.zip", first) == suffix


@pytest.mark.parametrize("first, error", [(b"PK\x03\x04", ReleaseRefused), (b"", ArchiveBroken)])
def test_other_first_bytes_are_refused(first: bytes, error: type[PotionsError]) -> None:
    """What is no archive is refused with the formats that work; an empty file is called empty."""
    with pytest.raises(error, match=r"app\.tar\.gz"):
        suffix_of("app.tar.gz", first)


# What is refused as too large


@pytest.mark.parametrize(
    "members, limits",
    [
        ([file("a"), file("b"), folder("c")], Limits(files=2)),
        ([file("a", b"x" * 1000)], Limits(bytes=500)),
        ([file("/".join("abcd"))], Limits(depth=3)),
        ([folder("/".join("abcd"))], Limits(depth=3)),
        ([file("a", bytes(3_000_000))], Limits(ratio_from=1_000_000)),
        ([file("a", pax_headers={"comment": "x" * 2_000_000})], Limits()),
    ],
    ids=["members", "bytes", "depth of a file", "depth of a directory", "ratio", "header"],
)
@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_an_archive_beyond_a_limit_is_refused(desk: Desk, members: list[Member], limits: Limits, suffix: str) -> None:
    """Count, size, depth, ratio and headers each end the unpacking."""
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(packed(tar(members), suffix), suffix, limits)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_a_bomb_after_the_end_is_refused(desk: Desk, suffix: str) -> None:
    """Zeros behind the archive's end are read too, so they count."""
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(packed(WHOLE + bytes(4_000_000), suffix), suffix, Limits(ratio_from=1_000_000))


def test_a_file_too_large_is_refused_before_it_is_written(desk: Desk) -> None:
    """The header says the size, so the disk need not be filled to find out."""
    header = file("a")[0]
    header.size = 10**12
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(packed(header.tobuf() + b"x" * 1024))


def test_high_ratios_of_small_releases_are_fine(desk: Desk) -> None:
    """Empty logs and fixtures compress a thousandfold; only what is large may not."""
    assert desk.put(file("a", bytes(3_000_000))).bytes == 3_000_000


def test_a_directory_that_is_not_empty_is_not_unpacked_into(desk: Desk) -> None:
    """Nothing an earlier release left may show up in the next."""
    (desk.release / "left").touch()
    with pytest.raises(UnsafePath):
        desk.put(file("a"))
