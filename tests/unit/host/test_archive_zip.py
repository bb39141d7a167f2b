"""Zips: what every system writes comes out right, and what two programs could read differently is refused."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from potions.errors import ArchiveBroken, ArchiveTooLarge, ArchiveUnreadable, ArchiveUnsafe
from potions.host.archive import Limits, Unpacked
from support.archives import tree
from support.desk import Desk
from support.zips import (
    DEFLATED,
    DOS,
    SIZES_BEHIND,
    STORED,
    UNIX,
    UTF8,
    Entry,
    deflated,
    sizes_behind,
    zip64_of,
    zip_of,
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A release with what a zip may lose: links, executable bits, names that are no ASCII."""
    root = tmp_path / "source"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "run").write_text("#!/bin/sh\n")
    (root / "bin" / "run").chmod(0o755)
    (root / "caf\u00e9").write_text("utf-8")
    (root / os.fsdecode(b"latin\xe9")).write_text("latin-1")
    (root / "back\\slash").write_text("one name")
    (root / "empty").touch()
    (root / "large").write_bytes(b"potions\n" * 200_000)
    (root / "now").symlink_to("bin/run")
    return root


# What arrives


@pytest.mark.parametrize("options", ["-qry", "-qryD", "-qry0", "-qry9", "-qry -fz"])
def test_what_zip_writes_is_read(desk: Desk, source: Path, options: str) -> None:
    """With directories and without, stored and packed, and in the format for large ones."""
    made = desk.archive.with_name("made.zip")
    subprocess.run(["zip", *options.split(), str(made), "."], cwd=source, check=True)
    desk.unpack(made.read_bytes(), "zip")
    assert tree(desk.release) == tree(source)
    assert os.access(desk.release / "bin" / "run", os.X_OK) and not os.access(desk.release / "empty", os.X_OK)
    for name in ("bin/run", "large"):
        assert (desk.release / name).stat().st_mtime == int((source / name).stat().st_mtime)


def test_what_zip_pipes_is_read(desk: Desk, source: Path) -> None:
    """What was made in one go has the sizes of each member behind it, and no links, because zip cannot pipe them."""
    (source / "now").unlink()
    made = subprocess.run(["zip", "-qr", "-", "."], cwd=source, check=True, stdout=subprocess.PIPE)
    desk.unpack(made.stdout, "zip")
    assert tree(desk.release) == tree(source)


class Pipe(io.RawIOBase):
    """What cannot go back, and therefore gets everything behind what it describes."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += bytes(data)
        return len(data)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_what_python_writes_is_read(desk: Desk, method: int, wide: bool) -> None:
    """Into a pipe, which has the sizes behind each member; with names that say they are UTF-8."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, data in {"caf\u00e9": b"x" * 5000, "empty": b"", "d/f": b"1"}.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=wide) as member:
                member.write(data)
        archive.mkdir("e")
    desk.unpack(pipe.written, "zip")
    assert tree(desk.release) == {"caf\u00e9": b"x" * 5000, "d": "/", "d/f": b"1", "e": "/", "empty": b""}


def test_what_git_archives_is_read(desk: Desk, source: Path) -> None:
    """With the name of the commit as its comment, and modes only where they are not the common ones."""
    # Git says that a file without a mode of its own was made on Windows.
    (source / os.fsdecode(b"latin\xe9")).unlink()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(source)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    made = subprocess.run([*git, "archive", "--format=zip", "--prefix=app/", "HEAD"], check=True, capture_output=True)
    desk.unpack(made.stdout, "zip")
    kept = {name: data for name, data in tree(source).items() if not name.startswith(".git")}
    assert tree(desk.release) == kept
    assert os.access(desk.release / "bin" / "run", os.X_OK)


@pytest.mark.parametrize("make", [zip_of, zip64_of])
def test_the_wide_end_is_read_as_the_narrow_one(desk: Desk, make: Callable[[list[Entry]], bytes]) -> None:
    """Programs that cannot know how large a zip becomes write both."""
    assert desk.unpack(make([Entry(b"a"), Entry(b"b", method=STORED)]), "zip") == Unpacked(files=2, bytes=10)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("wide", [True, False])
def test_sizes_may_stand_behind_a_member(desk: Desk, signed: bool, wide: bool) -> None:
    """In each of the four ways that programs have of writing them."""
    entry = Entry(b"a", flags=SIZES_BEHIND, local={"crc": 0, "packed": 0, "size": 0})
    entry = replace(entry, behind=sizes_behind(entry, signed=signed, wide=wide))
    desk.unpack(zip_of([entry, Entry(b"b")]), "zip")
    assert tree(desk.release) == {"a": b"hello", "b": b"hello"}


def test_nothing_is_an_empty_file_by_any_method(desk: Desk) -> None:
    """Whether a program writes that Deflate ends, or no byte at all."""
    desk.unpack(
        zip_of([Entry(b"a", b""), Entry(b"b", b"", packed=b""), Entry(b"c", b"", method=STORED), Entry(b"d")]), "zip"
    )
    assert tree(desk.release) == {"a": b"", "b": b"", "c": b"", "d": b"hello"}


def unicode_name(plain: bytes, name: str) -> bytes:
    """The field that Info-ZIP puts beside a name that its own encoding cannot say."""
    data = struct.pack("<BL", 1, zlib.crc32(plain)) + name.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


@pytest.mark.parametrize(
    "entry, name",
    [
        (Entry(b"caf\xc3\xa9", system=UNIX), "caf\u00e9"),
        (Entry(b"caf\xe9", system=UNIX), "caf\udce9"),
        (Entry(b"caf\xc3\xa9", system=UNIX, flags=UTF8), "caf\u00e9"),
        (Entry(b"caf\xc3\xa9", system=19), "caf\u00e9"),
        (Entry(b"caf\xc3\xa9", system=DOS, mode=0, flags=UTF8), "caf\u00e9"),
        (Entry(b"caf\x82", system=DOS, mode=0), "caf\u00e9"),
        (Entry(b"caf\xc3\xa9", system=DOS, mode=0), "caf\u00e9"),
        (Entry(b"dir\\caf\x82.txt", system=10, mode=0x20), "dir/caf\u00e9.txt"),
        (Entry(b"caf?", system=DOS, mode=0, extra=unicode_name(b"caf?", "caf\u00e9")), "caf\u00e9"),
        (Entry(b"caf?", system=DOS, mode=0, extra=unicode_name(b"cap?", "caf\u00e9")), "caf?"),
        (Entry(b"a/b\\c", system=DOS, mode=0), "a/b\\c"),
    ],
    ids=[
        *("a Linux with UTF-8", "a Linux without", "a Unix that says UTF-8", "macOS", "Windows that says UTF-8"),
        *("Windows in its code page", "Windows in UTF-8", "PowerShell", "Info-ZIP", "Info-ZIP, renamed", "Git"),
    ],
)
def test_names_come_out_as_they_were_meant(desk: Desk, entry: Entry, name: str) -> None:
    """Whichever system and program wrote them, however much it said about their encoding."""
    desk.unpack(zip_of([entry, Entry(b"x")]), "zip")
    assert (desk.release / name).read_bytes() == b"hello"


def test_directories_of_windows_are_directories(desk: Desk) -> None:
    """By a backslash at their end, or by their attribute alone; nothing of Windows is executable or a link."""
    entries = [
        Entry(b"a\\", b"", system=DOS, mode=0x10),
        Entry(b"b", b"", system=DOS, mode=0x10, method=STORED),
        Entry(b"b\\c", system=DOS, mode=(stat.S_IFLNK | 0o777) << 16),
        Entry(b"x", system=DOS, mode=0x20),
    ]
    desk.unpack(zip_of(entries), "zip")
    assert tree(desk.release) == {"a": "/", "b": "/", "b/c": b"hello", "x": b"hello"}
    assert not os.access(desk.release / "b" / "c", os.X_OK)


def test_a_directory_of_unix_may_lack_its_slash(desk: Desk) -> None:
    """Its mode says what it is."""
    desk.unpack(zip_of([Entry(b"d", b"", mode=stat.S_IFDIR | 0o755), Entry(b"d/a"), Entry(b"b", mode=0)]), "zip")
    assert tree(desk.release) == {"b": b"hello", "d": "/", "d/a": b"hello"}


def test_a_zip_without_unix_times_has_the_clock_of_who_packed_it(desk: Desk) -> None:
    """Years from 1980 on, to two seconds; what is no time at all is none."""
    desk.unpack(zip_of([Entry(b"a"), Entry(b"b")]), "zip")
    assert (desk.release / "a").stat().st_mtime == time.mktime((1980, 1, 1, 0, 0, 0, 0, 0, -1))


# What is refused

A, B = Entry(b"a"), Entry(b"b")
#: Its content is another member, header and all.
OUTER = Entry(b"a", B.header() + B.content, method=STORED)


def streamed(**changed: Any) -> Entry:
    """A member whose sizes stand behind it."""
    entry = Entry(b"a", flags=SIZES_BEHIND, local={"crc": 0, "packed": 0, "size": 0})
    return replace(entry, **{"behind": sizes_behind(entry), **changed})


BROKEN = {
    # Around the members
    "something in front": zip_of([A, B], before=b"#!/bin/sh\n"),
    "something in front of it all": b"PK\3\4" + zip_of([A, B]),
    "something behind": zip_of([A, B], behind=b"x"),
    "another zip behind": zip_of([A]) + zip_of([B]),
    "a comment that is cut off": zip_of([A, B], comment=b"hello")[:-1],
    "a comment with an end in it": zip_of([A, B], comment=b"PK\5\6" + bytes(18)),
    "no end": zip_of([A, B])[:-22],
    "something between": zip_of([replace(A, behind=b"?"), B]),
    "something before the directory": zip_of([A, replace(B, behind=b"?" * 16)]),
    "a first member that is not listed": zip_of([A, B], listed=[B]),
    "a member that is not listed": zip_of([A, B, OUTER], listed=[A, OUTER]),
    "a last member that is not listed": zip_of([A, B], listed=[A]),
    "only zeros behind the members": zip_of([A, replace(B, behind=bytes(12))]),
    # Members that share bytes
    "a member listed twice": zip_of([A, B], listed=[A, A, B]),
    "two members, one header": zip_of([A, B], listed=[A, B, replace(B, central={"offset": 0})]),
    "a member within another": zip_of([OUTER, B], listed=[OUTER, replace(B, central={"offset": 31}), B]),
    "a member that lies outside": zip_of([A, replace(B, central={"offset": 10**6})]),
    # The directory
    "fewer members than said": zip_of([A, B], count=3),
    "more members than said": zip_of([A, B], count=1),
    "more members than the wide end says": zip64_of([A, B], count=1),
    "a directory of something else": zip_of([A, B]).replace(b"PK\1\2", b"PK\1\1"),
    "a directory cut in the middle": zip_of([A, replace(B, central={"extra": b"\1\0\xff\xff"})])[:-22] + bytes(22),
    "two ends that contradict each other": zip64_of([A, B])[:-14] + struct.pack("<2H2LH", 1, 1, 9, 9, 0),
    # Two headers of one member
    "two names": zip_of([A, replace(B, local={"name": b"c"})]),
    "a longer name": zip_of([A, replace(B, local={"name": b"bb"})]),
    "two methods": zip_of([A, replace(B, local={"method": STORED})]),
    "two sizes": zip_of([A, replace(B, local={"size": 4})]),
    "two packed sizes": zip_of([A, replace(B, local={"packed": 4})]),
    "two checksums": zip_of([A, replace(B, local={"crc": 1})]),
    "two encodings": zip_of([A, replace(B, local={"flags": UTF8})]),
    "encrypted in one header": zip_of([A, replace(B, local={"flags": 1})]),
    "other sizes behind it": zip_of([streamed(behind=b"PK\7\x08" + bytes(12)), B]),
    "no sizes before or behind": zip_of([Entry(b"a", flags=0, local={"crc": 0, "packed": 0, "size": 0}), B]),
    # The data
    "another checksum": zip_of([A, replace(B, local={"crc": 1}, central={"crc": 1})]),
    "another checksum of nothing": zip_of([A, Entry(b"b", b"", local={"crc": 1}, central={"crc": 1})]),
    "more data than said": zip_of([A, replace(B, local={"size": 4}, central={"size": 4})]),
    "less data than said": zip_of([A, replace(B, local={"size": 6}, central={"size": 6})]),
    "no Deflate": zip_of([A, replace(B, packed=b"\xff" * 8)]),
    "Deflate cut off": zip_of([A, replace(B, packed=deflated(b"hello")[:-2])]),
    "stored, and less than said": zip_of([A, Entry(b"b", method=STORED, packed=b"hell")]),
    "a name that is not the UTF-8 it says": zip_of([A, Entry(b"caf\xe9", flags=UTF8)]),
    "nothing but directories": zip_of([Entry(b"d/", b"", method=STORED)]),
    "nothing": zip_of([]),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_zip_that_contradicts_itself_is_broken(desk: Desk, data: bytes) -> None:
    """It has to be its members, one behind the other, then the directory, then the end; and both headers agree."""
    with pytest.raises(ArchiveBroken) as broken:
        desk.unpack(data, "zip")
    assert broken.value.why and broken.value.do
    assert desk.is_untouched_outside()


UNSAFE = {
    "a name that comes twice": zip_of([A, B, Entry(b"a", b"again")]),
    "a name that comes twice, spelt otherwise": zip_of([A, B, Entry(b".//a", b"again")]),
    "a file and a link": zip_of([A, B, Entry(b"b", b"a", mode=stat.S_IFLNK | 0o777)]),
    "a link and a file": zip_of([A, Entry(b"b", b"a", mode=stat.S_IFLNK | 0o777), B]),
    "a link twice": zip_of([A, *[Entry(b"b", b"a", mode=stat.S_IFLNK | 0o777) for _ in "12"]]),
    "a directory with content": zip_of([A, Entry(b"d/")]),
    "a directory that is a link": zip_of([A, Entry(b"d/", b"../outside", mode=stat.S_IFLNK | 0o777)]),
    "a socket": zip_of([A, Entry(b"s", b"", mode=stat.S_IFSOCK | 0o644)]),
    "a link with an endless target": zip_of([A, Entry(b"l", b"x" * 5000, mode=stat.S_IFLNK | 0o777)]),
    "a parent in the way of Windows": zip_of([A, Entry(b"..\\outside\\new", system=DOS, mode=0x20)]),
    "a root in the way of Windows": zip_of([A, Entry(b"\\etc\\passwd", system=DOS, mode=0x20)]),
    "a parent in the wider name": zip_of([A, Entry(b"b", extra=unicode_name(b"b", "../outside/new"))]),
}


@pytest.mark.parametrize("data", UNSAFE.values(), ids=UNSAFE.keys())
def test_a_zip_that_could_mean_something_else_is_unsafe(desk: Desk, data: bytes) -> None:
    """Members that replace each other, that are two things at once, or that leave the release by way of Windows."""
    with pytest.raises(ArchiveUnsafe) as refused:
        desk.unpack(data, "zip")
    assert refused.value.why and refused.value.do
    assert desk.is_untouched_outside()


SPLIT = zip_of([A])[:-18] + struct.pack("<4H", 1, 1, 1, 1) + zip_of([A])[-10:]


@pytest.mark.parametrize(
    "data, words",
    [
        (zip_of([Entry(b"a", flags=1)]), "a is encrypted"),
        (zip_of([Entry(b"a", flags=0x40)]), "a is encrypted"),
        (zip_of([Entry(b"a", method=99)]), "a is compressed by AES"),
        (zip_of([Entry(b"a", method=12)]), "a is compressed by bzip2"),
        (zip_of([Entry(b"a", method=9)]), "a is compressed by Deflate64"),
        (zip_of([Entry(b"a", method=77)]), "a is compressed by a rare method"),
        (zip_of([Entry(b"a", flags=0x20)]), "a is compressed by a rare method"),
        (SPLIT, "split"),
        (zip64_of([A], disks=2), "split"),
    ],
)
def test_a_zip_that_cannot_be_read_says_why(desk: Desk, data: bytes, words: str) -> None:
    """Encrypted, packed by a rare method, or one part of several: each with what to do instead."""
    with pytest.raises(ArchiveUnreadable, match=words) as refused:
        desk.unpack(data, "zip")
    assert refused.value.do


def overlapping(count: int) -> bytes:
    """A bomb in the manner of David Fifield: every member quotes the header of the next, and all share one kernel."""
    kernel = deflated(bytes(1_000_000))
    body = Entry(b"0", bytes(1_000_000)).header() + kernel
    entries = [Entry(b"0", bytes(1_000_000))]
    for number in range(1, count):
        # A block of Deflate that is not packed: the bytes of the header behind it, as they are.
        quoted = struct.pack("<BHH", 0, len(body) - len(kernel), 0xFFFF ^ (len(body) - len(kernel)))
        head = body[: len(body) - len(kernel)]
        packed = quoted + head + kernel
        entry = Entry(str(number).encode(), head + bytes(1_000_000), packed=packed)
        assert zlib.decompress(packed, -15) == entry.data
        body = entry.header() + packed
        entries.append(entry)
    offsets = [len(body) - len(entry.header() + entry.content) for entry in entries]
    directory = b"".join(entry.listed(offset) for entry, offset in zip(entries, offsets, strict=True))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def test_members_that_share_their_bytes_are_refused(desk: Desk) -> None:
    """A few kilobytes that unpack to many megabytes are refused before one of them is written."""
    data = overlapping(20)
    assert len(data) < 10_000
    with pytest.raises(ArchiveBroken, match="overlaps"):
        desk.unpack(data, "zip")
    assert tree(desk.release) == {}


@pytest.mark.parametrize(
    "limits",
    [Limits(bytes=10_000_000), Limits(ratio_from=1_000_000), Limits(files=19)],
    ids=["bytes", "ratio", "members"],
)
def test_a_bomb_is_refused_by_what_it_says(desk: Desk, limits: Limits) -> None:
    """The directory says how much there is, so nothing has to be unpacked to find out."""
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(overlapping(20), "zip", limits)
    assert tree(desk.release) == {}


def test_a_directory_larger_than_memory_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and comments of 64 kB each would fill it; it is not read before its size is known to be fine."""
    monkeypatch.setattr("potions.host.archive_zip_layout._DIRECTORY_BYTES", 1000)
    with pytest.raises(ArchiveTooLarge):
        desk.unpack(zip_of([Entry(b"n" * 200 + str(number).encode()) for number in range(10)]), "zip")
