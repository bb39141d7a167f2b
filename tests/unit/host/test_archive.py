"""Unpacking: what arrives, and what every broken or too large archive gets instead."""

from __future__ import annotations

import gzip
import os
import random
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from potions.errors import (
    ArchiveBroken,
    ArchiveTooLarge,
    NoRoom,
    ReleaseRefused,
    UnsafePath,
)
from potions.host.archive import ARCHIVE_SUFFIXES, Limits, Unpacked, suffix_of
from potions.model.archive_format import MAGIC_BYTES
from support.archives import (
    COMPRESSED,
    TARS,
    archive_of,
    file,
    folder,
    hard_link,
    link,
    packed,
    tar,
    tree,
)
from support.desk import Desk, Member


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
    done = desk.put(*members, suffix=suffix)
    assert tree(desk.release) == {"Procfile": b"web: x", "bin": "/", "bin/run": b"hello", "now": "-> bin/run"}
    assert done == Unpacked(files=2, bytes=11)


@pytest.mark.parametrize("suffix", ["tar", "zip"])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_are_exact_whatever_archive_and_umask_say(desk: Desk, umask: int, suffix: str) -> None:
    """Only the executable bit comes from the archive: no setuid, nothing writable by others, nothing unreadable."""
    before = os.umask(umask)
    try:
        members = file("a", mode=0o6777), file("b", mode=0o600), folder("c", mode=0o000), file("d/e", mode=0o100)
        desk.put(*members, suffix=suffix)
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


@pytest.mark.parametrize("suffix", ["tar", "zip"])
def test_one_enclosing_directory_is_stripped(desk: Desk, suffix: str) -> None:
    """`tar czf app.tar.gz app/` deploys like `tar czf app.tar.gz -C app .`; its links still stay inside."""
    members = folder("app"), file("app/app/app", b"1"), file("app/b", b"2"), link("app/l", "app/app")
    desk.put(*members, suffix=suffix)
    assert tree(desk.release) == {"app": "/", "app/app": b"1", "b": b"2", "l": "-> app/app"}


def test_a_lone_file_beside_nothing_is_not_stripped(desk: Desk) -> None:
    """Only a directory can enclose a release."""
    desk.put(file("app", b"1"))
    assert tree(desk.release) == {"app": b"1"}


def test_only_the_outermost_directory_is_stripped(desk: Desk) -> None:
    """A release of one directory keeps it when the archive encloses both."""
    desk.put(file("app/bin/run"))
    assert tree(desk.release) == {"bin": "/", "bin/run": b"hello"}


def test_the_last_member_of_a_name_wins_in_a_tar(desk: Desk) -> None:
    """As with tar: a later file replaces an earlier one, and a link a file."""
    desk.put(file("x"), file("a", b"1"), file("a", b"2"), file("b", b"1"), link("b", "a"), link("c", "a"), file("c"))
    assert tree(desk.release) == {"x": b"hello", "a": b"2", "b": "-> a", "c": b"hello"}


def test_a_hard_link_to_an_earlier_file_is_that_file(desk: Desk) -> None:
    """Hard links inside of the release are kept, and count as files."""
    done = desk.put(file("d/a", b"1"), hard_link("./b", "./d/a"))
    assert (desk.release / "b").samefile(desk.release / "d/a")
    assert done.files == 2


def test_a_file_that_replaces_a_hard_link_leaves_the_other_name_alone(desk: Desk) -> None:
    """Nothing is written into a file that has another name, as `tar --append` of a changed file would ask for."""
    desk.put(file("a", b"1"), hard_link("b", "a"), hard_link("c", "b"), hard_link("c", "c"), file("b", b"2"))
    assert tree(desk.release) == {"a": b"1", "b": b"2", "c": b"1"}


@pytest.mark.parametrize("suffix", ["tar", "zip"])
def test_names_need_not_be_utf8(desk: Desk, suffix: str) -> None:
    """A name is bytes, and those bytes arrive."""
    desk.put(file("x"), file("caf\udce9", b"1"), suffix=suffix)
    assert (os.fsencode(desk.release) + b"/caf\xe9").decode("utf-8", "surrogateescape") in map(
        str, desk.release.iterdir()
    )


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_long_names_and_large_files_arrive(desk: Desk, suffix: str) -> None:
    """Names beyond the old header's 100 bytes, and files beyond one piece."""
    data = random.Random(1).randbytes(3_000_001)
    name = "/".join(["d" * 200] * 9 + ["f"])
    desk.put(file(name, data), file("z"), suffix=suffix)
    assert (desk.release / name).read_bytes() == data


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_what_gnu_tar_writes_is_read(desk: Desk, tmp_path_factory: pytest.TempPathFactory, form: str) -> None:
    """The tar that people have: its own long names, its padding, its global headers; and those before it."""
    source = tmp_path_factory.mktemp("source")
    long = ("n" * 60, "m" * 30) if form in ("v7", "oldgnu", "ustar") else ("n" * 150, "m" * 150)
    (source / long[0]).mkdir()
    (source / long[0] / long[1]).write_text("deep")
    (source / "l").symlink_to(long[0])
    made = subprocess.run(["tar", f"--format={form}", "-c", "-C", source, "."], check=True, capture_output=True)
    assert suffix_of("a", made.stdout[:MAGIC_BYTES]) == "tar"
    desk.unpack(made.stdout, "tar")
    assert tree(desk.release) == tree(source)


@pytest.mark.parametrize("program, suffix", [("gzip", "tar.gz"), ("xz", "tar.xz"), ("bzip2", "tar.bz2")])
def test_what_programs_compress_is_read(desk: Desk, program: str, suffix: str) -> None:
    """As they compress at their hardest, with all that they ask for in memory."""
    whole = tar([file("a", random.Random(1).randbytes(10_000)), file("b", bytes(2_000_000))])
    made = subprocess.run([program, "-9c"], input=whole, check=True, capture_output=True)
    assert suffix_of("a", made.stdout[:MAGIC_BYTES]) == suffix
    assert desk.unpack(made.stdout, suffix) == Unpacked(files=2, bytes=2_010_000)


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_several_compressed_parts_are_one_archive(desk: Desk, suffix: str) -> None:
    """Compressors that work in parallel, and `cat a b`, write several members, frames or streams."""
    whole = tar([file("a", b"x" * 5000), file("b")])
    desk.unpack(packed(whole[:3000], suffix) + packed(b"", suffix) + packed(whole[3000:], suffix), suffix)
    assert tree(desk.release) == {"a": b"x" * 5000, "b": b"hello"}


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_progress_reaches_the_archives_size(desk: Desk, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reported are bytes of the archive, rising, and all of them in the end."""
    monkeypatch.setattr("potions.host.archive_limits._SECONDS_BETWEEN_REPORTS", 0.0)
    heard: list[tuple[int, int]] = []
    large = file("a", random.Random(1).randbytes(3_000_000))
    desk.put(large, file("b"), suffix=suffix, report=lambda done, total: heard.append((done, total)))
    size = desk.archive.stat().st_size
    assert heard == sorted(heard)
    assert heard[-1] == (size, size)
    assert len({done for done, _ in heard}) > 3


@pytest.mark.parametrize("suffix", ["tar", "zip"])
def test_what_macos_packs_beside_files_is_left_out(desk: Desk, suffix: str) -> None:
    """Attributes and icons are no part of a release, and do not keep the directory beside them from being stripped."""
    shadow = b"\0\5\x16\7\0\2\0\0Mac OS X        "
    done = desk.put(
        file("._app", shadow),
        file("app/a"),
        file("app/._a", shadow),
        file("app/._b", b"begins otherwise"),
        folder("__MACOSX"),
        file("__MACOSX/app/._a", shadow),
        suffix=suffix,
    )
    assert tree(desk.release) == {"a": b"hello", "._b": b"begins otherwise"}
    assert done == Unpacked(files=2, bytes=21, shadows=3)


# What is refused as broken

WHOLE = tar([file("a", b"x" * 3000), file("b", b"y" * 3000)])


@pytest.mark.parametrize("suffix", [*COMPRESSED, "zip"])
@pytest.mark.parametrize("cut", [1, 4, 8, 9, 12, 22, 200])
def test_a_cut_off_archive_is_broken(desk: Desk, suffix: str, cut: int) -> None:
    """However little is missing at the end, even only the checksum."""
    data = archive_of([file("a", random.Random(1).randbytes(3000))], suffix)
    with pytest.raises(ArchiveBroken):
        desk.unpack(data[:-cut], suffix)


@pytest.mark.parametrize("suffix", TARS)
@pytest.mark.parametrize("length", [0, 511, 512, 513, 2000, 3584, 4096, 5000, 7168])
def test_a_tar_that_was_cut_off_before_it_was_compressed_is_broken(desk: Desk, suffix: str, length: int) -> None:
    """In a header, in a file's bytes, between two members, before its end marks: whole compression proves nothing."""
    with pytest.raises(ArchiveBroken):
        desk.unpack(packed(WHOLE[:length], suffix), suffix)


@pytest.mark.parametrize("suffix", [*COMPRESSED, "zip"])
def test_a_damaged_byte_is_noticed(desk: Desk, suffix: str) -> None:
    """The checksum at the very end is looked at, although tar itself ended earlier."""
    data = bytearray(archive_of([file("a", random.Random(1).randbytes(3000))], suffix))
    data[len(data) // 2] ^= 1
    with pytest.raises(ArchiveBroken):
        desk.unpack(bytes(data), suffix)


def every_way_of_not_being_an_archive(suffix: str) -> dict[str, bytes]:
    compressed = suffix in COMPRESSED
    return {
        "no tar": packed(b"hello" * 1000, suffix),
        "only zeros": packed(bytes(10240), suffix),
        "garbage between members": packed(WHOLE[:4096] + b"?" * 512 + WHOLE[4096:], suffix),
        "garbage after the end": packed(WHOLE + b"?" * 512, suffix),
        "another tar after the end": packed(WHOLE + WHOLE, suffix),
        "no file": packed(tar([folder("a"), link("b", "a")]), suffix),
        "another compression": gzip.compress(WHOLE) if suffix != "tar.gz" else WHOLE,
        "nothing": b"",
        **({"garbage after the compression": packed(WHOLE, suffix) + b"?" * 100} if compressed else {}),
    }


@pytest.mark.parametrize(
    "data, suffix",
    [
        pytest.param(data, suffix, id=f"{name}-{suffix}")
        for suffix in TARS
        for name, data in every_way_of_not_being_an_archive(suffix).items()
    ],
)
def test_what_is_no_whole_archive_is_broken(desk: Desk, data: bytes, suffix: str) -> None:
    """Said in plain words, with what to do; nothing is taken for an end that is none."""
    with pytest.raises(ArchiveBroken) as broken:
        desk.unpack(data, suffix)
    assert broken.value.why and broken.value.do


@pytest.mark.parametrize("size", ["-1024", "many"])
def test_a_size_that_makes_no_sense_is_broken(desk: Desk, size: str) -> None:
    """One that counts backwards would read the same bytes for ever."""
    with pytest.raises(ArchiveBroken):
        desk.put(file("a", b"1", pax_headers={"size": size}), file("b"))


def test_endless_headers_are_broken(desk: Desk) -> None:
    """Extended headers that only describe each other end the unpacking, not the interpreter."""
    header = tarfile.TarInfo.create_pax_global_header({"comment": "again"})
    extended = header.replace(b"g", b"x", 1) if header[156:157] != b"g" else header
    with pytest.raises(ArchiveBroken):
        desk.unpack(packed(extended * 3000 + tar([file("a")])))


def test_a_number_without_an_end_is_broken(desk: Desk) -> None:
    """The standard library would look at it for minutes."""
    header = file("x", b"1" * 100_000, type=tarfile.XHDTYPE)
    with pytest.raises(ArchiveBroken, match="number without an end"):
        desk.put(header, file("a"))


def test_another_format_is_refused_with_those_that_work(desk: Desk) -> None:
    """A format that is not unpacked is named, and so are the ones that are."""
    with pytest.raises(ReleaseRefused, match=r"tar\.gz, tar\.zst, tar\.xz, tar\.bz2, tar, zip"):
        desk.unpack(b"7z", "7z")


# What is refused as too large


TOO_MUCH: dict[str, tuple[list[Member], Limits]] = {
    "members": ([file("a"), file("b"), folder("c")], Limits(files=2)),
    "directories": ([file("a/b/c"), file("d/e/f"), file("g")], Limits(files=3)),
    "bytes": ([file("a", b"x" * 1000)], Limits(bytes=500)),
    "depth of a file": ([file("/".join("abcd"))], Limits(depth=3)),
    "depth of a directory": ([folder("/".join("abcd"))], Limits(depth=3)),
    "ratio": ([file("a", bytes(3_000_000))], Limits(ratio_from=1_000_000)),
    "header": ([file("a", pax_headers={"comment": "x" * 2_000_000})], Limits()),
    "links": ([file("a"), link("b" * 50, "a"), link("c" * 50, "a")], Limits(link_text=100)),
}
#: A plain tar is as large as what is in it, and a zip has no such headers.
CANNOT_BE = {("ratio", "tar"), ("header", "zip")}


@pytest.mark.parametrize(
    "what, suffix",
    [(what, suffix) for what in TOO_MUCH for suffix in ARCHIVE_SUFFIXES if (what, suffix) not in CANNOT_BE],
)
def test_an_archive_beyond_a_limit_is_refused(desk: Desk, what: str, suffix: str) -> None:
    """Count, size, depth, ratio, headers and links each end the unpacking."""
    members, limits = TOO_MUCH[what]
    with pytest.raises(ArchiveTooLarge):
        desk.put(*members, suffix=suffix, limits=limits)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_what_the_disk_does_not_hold_is_told_as_that(desk: Desk, suffix: str) -> None:
    """A release too large for this disk is another matter than one too large for any."""
    with pytest.raises(NoRoom, match="1,000 bytes"):
        desk.put(file("a", b"x" * 5000), suffix=suffix, limits=Limits(room=1000))


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_bomb_after_the_end_is_refused(desk: Desk, suffix: str) -> None:
    """Zeros behind the archive's end are read too, so they count."""
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(packed(WHOLE + bytes(4_000_000), suffix), suffix, Limits(ratio_from=1_000_000))


@pytest.mark.parametrize("suffix", TARS)
def test_a_file_too_large_is_refused_before_it_is_written(desk: Desk, suffix: str) -> None:
    """The header says the size, so the disk need not be filled to find out."""
    header = file("a")[0]
    header.size = 10**12
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(packed(header.tobuf() + b"x" * 1024, suffix), suffix)


def test_high_ratios_of_small_releases_are_fine(desk: Desk) -> None:
    """Empty logs and fixtures compress a thousandfold; only what is large may not."""
    assert desk.put(file("a", bytes(3_000_000))).bytes == 3_000_000


def test_a_directory_that_is_not_empty_is_not_unpacked_into(desk: Desk) -> None:
    """Nothing an earlier release left may show up in the next."""
    (desk.release / "left").touch()
    with pytest.raises(UnsafePath):
        desk.put(file("a"))
