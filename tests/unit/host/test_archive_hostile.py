"""Unpacking what means harm: it is refused with a reason, nothing outside changes, and memory stays bounded."""

from __future__ import annotations

import lzma
import random
import subprocess
import sys
import tarfile
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from potions.errors import ArchiveUnsafe, PotionsError
from potions.model.archive_format import ARCHIVE_SUFFIXES
from support.archives import COMPRESSED, archive_of, file, folder, link, member, packed, tar, tree
from support.desk import Desk, Member
from support.hostile_archives import HARMLESS, UNSAFE, every_format
from support.zips import Entry, zip64_of, zip_of


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("members, suffix", every_format(UNSAFE))
def test_a_member_that_could_leave_the_release_is_refused(desk: Desk, members: list[Member], suffix: str) -> None:
    """Refused by name and reason, and nothing beside the release was made or changed."""
    if members[0][0].name != "app/x":
        members = [file("first"), *members]
    with pytest.raises(ArchiveUnsafe) as refused:
        desk.put(*members, suffix=suffix)
    assert refused.value.why and refused.value.do
    assert desk.is_untouched_outside()


def test_a_name_without_an_end_is_told_in_a_line(desk: Desk) -> None:
    """The error goes into the log and onto terminals; a name can have a million letters."""
    with pytest.raises(ArchiveUnsafe) as refused:
        desk.put(file("../" + "\x1b[31m" * 100_000))
    assert len(str(refused.value)) < 500
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "case",
    ["file below a link", "directory below a link", "directory over a link", "hard link below a link"],
)
def test_a_member_below_a_link_is_refused_for_that(desk: Desk, case: str) -> None:
    """At once and with the reason, not when the link itself finds its place taken."""
    with pytest.raises(ArchiveUnsafe, match="A link of the archive is on its way"):
        desk.put(*UNSAFE[case])


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_what_only_seems_to_mean_harm_arrives(desk: Desk, suffix: str) -> None:
    """A name is what it is for Linux: no shell, no Windows, no case and no encoding makes anything else of it."""
    desk.put(*(file(name, name.encode("utf-8", "surrogateescape")) for name in HARMLESS), suffix=suffix)
    for name in HARMLESS:
        assert (desk.release / name).read_bytes() == name.encode("utf-8", "surrogateescape")
    assert desk.is_untouched_outside()


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_an_archive_in_an_archive_is_a_file(desk: Desk, suffix: str) -> None:
    """Nothing is unpacked twice, so neither a bomb in a bomb nor an archive that holds itself comes to anything."""
    inner = archive_of([file("a", bytes(100_000))], suffix)
    desk.put(file("first"), file(f"inner.{suffix}", inner), suffix=suffix)
    assert (desk.release / f"inner.{suffix}").read_bytes() == inner


def test_a_link_that_an_app_puts_in_the_way_is_not_followed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of the release that was swapped for a link meanwhile ends the unpacking."""
    swapped: list[bool] = []

    def swap(_done: int, _total: int) -> None:
        if not swapped and (desk.release / "d").exists():
            (desk.release / "d").rename(desk.outside.parent / "release" / "aside")
            (desk.release / "d").symlink_to(desk.outside)
            swapped.append(True)

    noise = random.Random(1)
    folders = [file(f"d/{number}/f", noise.randbytes(20_000)) for number in range(300)]
    monkeypatch.setattr("potions.host.archive_limits._SECONDS_BETWEEN_REPORTS", 0.0)
    with pytest.raises(ArchiveUnsafe):
        desk.unpack(packed(tar([file("d/first"), *folders, file("d/new")])), report=swap)
    assert swapped
    assert tree(desk.outside) == {"kept": b"as it was"}


MEMBERS = st.builds(
    member,
    st.lists(st.sampled_from(["a", "b", "..", ".", "", "outside", "kept"]), min_size=1, max_size=4).map("/".join),
    type=st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
    linkname=st.lists(st.sampled_from(["a", "b", "..", ".", "", "outside"]), max_size=4).map("/".join),
)


@pytest.mark.parametrize("suffix", ["tar", "zip"])
@settings(max_examples=150, deadline=None)
@given(members=st.lists(MEMBERS, max_size=8))
def test_no_archive_writes_or_leads_outside(suffix: str, members: list[Member]) -> None:
    """Whatever the members, nothing outside changes; and if all are accepted, no link leads out."""
    if suffix == "zip":
        members = [one for one in members if not one[0].islnk()]
    with tempfile.TemporaryDirectory() as root:
        desk = Desk(Path(root))
        try:
            desk.put(*members, suffix=suffix)
        except PotionsError:
            pass
        else:
            top = desk.release.resolve()
            assert all(path.resolve().is_relative_to(top) for path in desk.release.rglob("*"))
        assert desk.is_untouched_outside()


GOOD = {
    suffix: archive_of(
        [folder("app"), file("app/a", b"x" * 700), link("app/l", "a"), file("app/b", mode=0o755)], suffix
    )
    for suffix in ("tar", "zip")
}
#: Where something else is put, counted from the beginning or the end, and what.
CHANGES = st.tuples(
    st.integers(-200, 200) | st.integers(0, 10_000),
    st.integers(0, 20),
    st.sampled_from([b"", b"\0" * 4, b"\xff" * 4, b"PK\1\2", b"7777777"]) | st.binary(min_size=1, max_size=8),
)


@pytest.mark.parametrize("suffix", GOOD)
@settings(max_examples=150, deadline=None)
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_whatever_damaged_an_archive_it_is_refused_in_words(suffix: str, changes: list[tuple[int, int, bytes]]) -> None:
    """No damage is a mistake of ours: there is an error of its own for it, or it changed nothing that matters."""
    data = GOOD[suffix]
    for place, length, new in changes:
        at = place % (len(data) or 1)
        data = data[:at] + new + data[at + length :]
    with tempfile.TemporaryDirectory() as root:
        desk = Desk(Path(root))
        with suppress(PotionsError):
            desk.unpack(data, suffix)
        assert desk.is_untouched_outside()


# Memory

#: Unpacks each archive in a process of its own that may have 256 MiB more than it began with, and 64 for a plain tar,
#: for which nothing has to be expanded; prints what each was refused with.
_UNPACK_IN_LITTLE_MEMORY = """
import os, re, resource, sys
from pathlib import Path
from potions.errors import PotionsError
from potions.host.archive import Limits, unpack
has = int(re.search(r"VmSize:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1]) * 1024
for archive in map(Path, sys.argv[1:]):
    if os.fork():
        os.wait()
        continue
    suffix = archive.name.partition(".")[2]
    may_have = has + (2**26 if suffix == "tar" else 2**28)
    resource.setrlimit(resource.RLIMIT_AS, (may_have, may_have))
    release = archive.with_name(archive.name + ".unpacked")
    release.mkdir()
    try:
        unpack(suffix, release, Limits(ratio_from=2**24), source=os.open(archive, os.O_RDONLY))
        print(archive.name, "unpacked", flush=True)
    except PotionsError as error:
        print(archive.name, error.code, flush=True)
    os._exit(0)
"""

_PART = bytes(2**24)


def zeros(suffix: str) -> bytes:
    """A file of 2 GiB, all zeros."""
    header = file("zeros")[0]
    header.size = 128 * len(_PART)
    return packed(header.tobuf(), suffix) + packed(_PART, suffix) * 128


def zeros_that_say_they_are_few(size: int) -> bytes:
    """A zip of 2 GiB of zeros in a member that claims to have ``size`` bytes."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packing.compress(_PART) + packing.flush(zlib.Z_FULL_FLUSH)
    return zip_of([Entry(b"zeros", bytes(size), packed=part * 128 + b"\3\0")])


def far_back(log: int) -> bytes:
    """A zstd frame that refers back as far as 2^log bytes."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log)
    packing = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packing.compress(tar([file("a")])) + packing.flush()


def global_headers(count: int) -> bytes:
    """Headers for all members that follow, each with a word of its own that no member uses."""
    texts = ({f"word{number}": "x" * 500_000} for number in range(count))
    made = (
        tarfile.TarInfo.create_pax_global_header(text) + file(f"f{n}", b"")[0].tobuf() for n, text in enumerate(texts)
    )
    return b"".join(made)


def long_links(count: int) -> bytes:
    """Links whose names and targets are as long as they may be."""
    folders = "/".join(["n" * 250] * 15)
    return tar([file("a"), *(link(f"{folders}/{number}", "t" * 4000) for number in range(count))])


def test_no_bomb_fills_the_memory(tmp_path: Path) -> None:
    """Whatever an archive asks for, 256 MiB do; each is refused for what it is, and none for a lack of memory."""
    dictionary = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    endless = file("x", type=tarfile.XHDTYPE)[0]
    endless.size = 2**30
    bombs = {
        "a.tar.xz": lzma.compress(tar([file("a")]), filters=dictionary),
        "b.tar.zst": far_back(30),
        **{f"zeros.{suffix}": zeros(suffix) for suffix in COMPRESSED},
        "zeros.zip": zip_of([Entry(b"zeros", b"", local={"size": 2**31}, central={"size": 2**31})]),
        "header.tar.gz": packed(endless.tobuf() + _PART),
        "headers.tar": global_headers(200) + bytes(1024),
        "links.tar": long_links(10_000),
        "list.zip": zip64_of([Entry(b"n" * 100)], repeated=199_999),
        "longer.zip": zip64_of([Entry(b"n" * 100)], repeated=200_001),
        "few.zip": zeros_that_say_they_are_few(2**20),
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", _UNPACK_IN_LITTLE_MEMORY, *(str(tmp_path / name) for name in bombs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    refused = dict.fromkeys(bombs, "archive-too-large")
    refused |= {"headers.tar": "unpacked", "list.zip": "archive-broken", "few.zip": "archive-broken"}
    assert dict(line.split() for line in done.stdout.splitlines()) == refused, done.stderr
