"""Getting from a storage: exactly the bytes, in a tar exactly the folder, and nothing through a link."""

from __future__ import annotations

import io
import os
import socket
import stat
import tarfile
from pathlib import Path
from threading import Thread

import pytest

from potions.errors import (
    RangeRefused,
    StoredChanged,
    StoredForbidden,
    StoredKindRefused,
    StoredLink,
    StoredUnknown,
)
from potions.host.files import remove_tree
from potions.host.storage_get import ByteRange, send_file, send_folder
from potions.model.stored import SentFile, SentFolder
from support.deep import make_deep
from support.hostile import Swapper
from support.storage_tree import TEMPORARY, TOKEN, Storage, at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


def members(tar: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        return {member.name: member for member in archive}


def content(tar: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


# A file


def test_a_file_comes_byte_for_byte(storage: Storage) -> None:
    """With its size told before, also one of several pieces and one of none."""
    data = os.urandom(1_000_003)
    (storage.root / "big").write_bytes(data)
    storage.fill(empty="")
    head, got = storage.get_part("big", None)
    assert got == data
    assert (head.part, head.first, head.length, head.entry.bytes) == (False, 0, len(data), len(data))
    assert storage.get("empty") == b""


@pytest.mark.parametrize(
    ("part", "got"),
    [
        (ByteRange(0, 0), b"0"),
        (ByteRange(3, 5), b"345"),
        (ByteRange(7, None), b"789"),
        (ByteRange(8, 99), b"89"),
        (ByteRange(None, 2), b"89"),
        (ByteRange(None, 99), b"0123456789"),
        (ByteRange(0, 3, "another tag"), b"0123456789"),
    ],
)
def test_a_part_of_a_file_comes(storage: Storage, part: ByteRange, got: bytes) -> None:
    """Where HTTP says it begins and ends; of a file that is another by now, all of it."""
    storage.fill(a="0123456789")
    head, data = storage.get_part("a", part)
    assert data == got
    assert head.length == len(got)
    assert head.part == (part.tag is None)


def test_a_part_of_the_same_file_comes_by_its_tag(storage: Storage) -> None:
    """The tag is another one as soon as the file was written."""
    storage.fill(a="0123456789")
    tag = storage.get_part("a", None)[0].tag
    assert storage.get_part("a", ByteRange(8, None, tag))[1] == b"89"
    storage.fill(a="9876543210")
    assert storage.get_part("a", None)[0].tag != tag
    assert storage.get_part("a", ByteRange(8, None, tag))[1] == b"9876543210"


@pytest.mark.parametrize("part", [ByteRange(10, None), ByteRange(99, 100), ByteRange(5, 3), ByteRange(None, 0)])
def test_a_part_that_a_file_does_not_have_is_refused(storage: Storage, part: ByteRange) -> None:
    """With the file's size."""
    storage.fill(a="0123456789")
    with pytest.raises(RangeRefused, match="10"):
        storage.get_part("a", part)


def test_what_is_appended_meanwhile_is_not_sent(storage: Storage) -> None:
    """As many bytes come as were told."""
    storage.fill(log="first\n")

    def grow(_: SentFile) -> None:
        with (storage.root / "log").open("a") as log:
            log.write("second\n")

    reading, writing = os.pipe()
    send_file(storage.root, at("log"), None, sink=writing, begin=grow)
    os.close(writing)
    assert os.read(reading, 100) == b"first\n"
    os.close(reading)


def test_a_file_that_becomes_shorter_is_told(storage: Storage) -> None:
    """What was promised cannot be sent, and nobody takes less for whole."""
    storage.fill(a="0123456789")
    sink = os.open(os.devnull, os.O_WRONLY)
    with pytest.raises(StoredChanged):
        send_file(storage.root, at("a"), None, sink=sink, begin=lambda _: os.truncate(storage.root / "a", 3))
    os.close(sink)


def test_only_a_file_is_sent_as_a_file(storage: Storage) -> None:
    """No folder, no link wherever it leads, no pipe (which would wait for ever), no socket, and not what is missing."""
    storage.fill(folder__a="")
    (storage.root / "out").symlink_to(storage.outside / "secret")
    (storage.root / "in").symlink_to("folder/a")
    (storage.root / "way").symlink_to(storage.outside)
    os.mkfifo(storage.root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(storage.root / "socket"))
        for path in ("", "folder", "pipe", "socket", "folder/a/b"):
            with pytest.raises(StoredKindRefused):
                storage.get(path)
    for path in ("out", "in", "way/secret"):
        with pytest.raises(StoredLink):
            storage.get(path)
    with pytest.raises(StoredUnknown):
        storage.get("folder/b")


# A folder


def test_a_folder_comes_as_it_is(storage: Storage) -> None:
    """Files, empty folders and links, with times and the executable bit, and without owners."""
    storage.fill(a__x="text", a__b__y="")
    (storage.root / "a" / "x").chmod(0o4711)
    (storage.root / "a" / "empty").mkdir()
    (storage.root / "a" / "out").symlink_to("/etc/passwd")
    os.utime(storage.root / "a" / "x", (0, 1_700_000_000))
    os.utime(storage.root / "a" / "b", (0, 1_600_000_000))
    os.mkfifo(storage.root / "a" / "pipe")
    head, tar = storage.get_folder("a")
    found = members(tar)
    assert (head.files, head.bytes, head.entry.name) == (2, 4, "a")
    assert {name: (member.type, member.mode) for name, member in found.items()} == {
        "x": (tarfile.REGTYPE, 0o755),
        "b": (tarfile.DIRTYPE, 0o755),
        "b/y": (tarfile.REGTYPE, 0o644),
        "empty": (tarfile.DIRTYPE, 0o755),
        "out": (tarfile.SYMTYPE, 0o777),
    }
    assert found["out"].linkname == "/etc/passwd"
    assert (found["x"].mtime, found["b"].mtime) == (1_700_000_000, 1_600_000_000)
    assert {(member.uid, member.uname) for member in found.values()} == {(0, "")}
    assert content(tar, "x") == b"text"
    assert tar.endswith(bytes(1024)) and len(tar) % 512 == 0


def test_all_of_the_storage_comes_without_what_is_on_its_way(storage: Storage) -> None:
    """What the platform is about to put is nobody's yet."""
    other = TEMPORARY[:-1] + "f"
    storage.fill(a="1", **{TEMPORARY: "half", other: "the app's"})
    (storage.puts / TOKEN).touch()
    head, tar = storage.get_folder("")
    assert (head.files, list(members(tar))) == (2, [other, "a"])


def test_names_of_any_bytes_and_any_length_come(storage: Storage) -> None:
    """No UTF-8, line feeds, and paths far longer than a header of tar has room for."""
    odd = ["caf\udce9", "a\nb", "\x1b[31m", "ü" * 100, "y" * 250]
    for name in odd:
        (storage.root / name).mkdir()
        (storage.root / name / ("z" * 250)).write_text("z")
    found = members(storage.get_folder("")[1])
    assert set(found) == {*odd, *(f"{name}/{'z' * 250}" for name in odd)}


def test_large_files_come_in_a_folder_too(storage: Storage) -> None:
    """And one that becomes shorter meanwhile breaks the tar off."""
    data = os.urandom(3_000_001)
    (storage.root / "big").write_bytes(data)
    assert content(storage.get_folder("")[1], "big") == data
    reading, writing = os.pipe()

    def send() -> None:
        with pytest.raises(StoredChanged):
            send_folder(storage.root, at(""), storage.puts, sink=writing, begin=lambda _: None)
        os.close(writing)

    sender = Thread(target=send)
    sender.start()
    got = os.read(reading, 512)
    os.truncate(storage.root / "big", 1_500_000)
    with os.fdopen(reading, "rb") as rest:
        got += rest.read()
    sender.join()
    assert len(got) < 3_000_001
    with pytest.raises(tarfile.ReadError):
        content(got, "big")


def test_a_small_file_that_changes_meanwhile_is_sent_as_it_is_then(storage: Storage) -> None:
    """Its header never promises what does not follow."""
    storage.fill(a="0123456789")

    def shorten(_: SentFolder) -> None:
        os.truncate(storage.root / "a", 4)

    reading, writing = os.pipe()
    send_folder(storage.root, at(""), storage.puts, sink=writing, begin=shorten)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert content(file.read(), "a") == b"0123"


def test_a_folder_deeper_than_a_path_may_be_comes(storage: Storage) -> None:
    """A thousand levels."""
    make_deep(storage.root / "deep", 1000, data=b"x")
    try:
        found = members(storage.get_folder("deep")[1])
        assert found["/".join(["d"] * 1000 + ["f"])].size == 1
    finally:
        remove_tree(storage.root / "deep", below=storage.root)


def test_a_folder_is_no_file_and_no_link(storage: Storage) -> None:
    """Each is told as what it is."""
    storage.fill(a="")
    (storage.root / "out").symlink_to(storage.outside)
    with pytest.raises(StoredKindRefused):
        storage.get_folder("a")
    with pytest.raises(StoredLink):
        storage.get_folder("out")


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user: nothing keeps root out")
def test_what_cannot_be_read_is_told_before_anything_is_sent(storage: Storage) -> None:
    """A tar that lacks some of it would be taken for whole."""
    storage.fill(a__ok="", a__shut="")
    (storage.root / "a" / "shut").chmod(0)
    with pytest.raises(StoredForbidden, match="a/shut"):
        storage.get_folder("a")
    with pytest.raises(StoredForbidden, match="000"):
        storage.get("a/shut")


def test_nothing_outside_comes_while_folders_are_swapped_for_links(storage: Storage) -> None:
    """Neither a file nor in a tar: an app does that as fast as it can."""
    for number in range(40):
        storage.fill(**{f"inside__d{number}__secret": "inside"})
    got, tars = set(), []
    with Swapper(storage.root / "inside", storage.outside):
        for attempt in range(1500):
            try:
                got.add(storage.get(f"inside/d{attempt % 40}/secret"))
            except (StoredLink, StoredUnknown, StoredChanged):
                continue
        for _ in range(20):
            tars.append(storage.get_folder("inside")[1])
    assert got == {b"inside"}
    for tar in tars:
        for name, member in members(tar).items():
            if member.isreg():
                assert content(tar, name) == b"inside"


def test_special_bits_are_not_told(storage: Storage) -> None:
    """A tar that made a setuid program where it is unpacked would be a gift to nobody."""
    storage.fill(a="")
    (storage.root / "a").chmod(0o6755)
    assert stat.S_IMODE(members(storage.get_folder("")[1])["a"].mode) == 0o755
