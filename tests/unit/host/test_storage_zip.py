"""A folder as a zip: what Python's own zipfile and unzip read back, and nothing that looks whole when it is not."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path
from threading import Thread

import pytest

from potions.errors import RequestRefused, StoredChanged, StoredKindRefused, StoredLink
from potions.host import storage_zip
from potions.host.storage_zip import send_folder_zipped
from potions.model.stored import SentFolder
from support.deep import make_deep
from support.hostile import Swapper
from support.storage_tree import TEMPORARY, TOKEN, Storage, at, drained


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


def zipped(storage: Storage, path: str = "") -> tuple[SentFolder, zipfile.ZipFile]:
    heads: list[SentFolder] = []
    data = drained(lambda sink: send_folder_zipped(storage.root, at(path), storage.puts, sink=sink, begin=heads.append))
    return heads[0], zipfile.ZipFile(io.BytesIO(data))


def test_a_folder_comes_as_it_is(storage: Storage) -> None:
    """Files, empty folders and links, with their times and the executable bit."""
    storage.fill(a__x="text", a__b__y="", a__B="", a__b__z="z" * 100_000)
    (storage.root / "a" / "x").chmod(0o4711)
    (storage.root / "a" / "empty").mkdir()
    (storage.root / "a" / "out").symlink_to("/etc/passwd")
    os.utime(storage.root / "a" / "x", (0, 0))
    os.mkfifo(storage.root / "a" / "pipe")
    head, archive = zipped(storage, "a")
    assert (head.files, head.bytes) == (4, 100_004)
    assert archive.testzip() is None
    modes = {one.filename: one.external_attr >> 16 for one in archive.infolist()}
    assert modes == {
        "x": stat.S_IFREG | 0o755,
        "B": stat.S_IFREG | 0o644,
        "b (2)/": stat.S_IFDIR | 0o755,
        "b (2)/y": stat.S_IFREG | 0o644,
        "b (2)/z": stat.S_IFREG | 0o644,
        "empty/": stat.S_IFDIR | 0o755,
        "out": stat.S_IFLNK | 0o777,
    }
    assert archive.read("x") == b"text"
    assert archive.read("out") == b"/etc/passwd"
    assert archive.getinfo("x").date_time == (1980, 1, 1, 0, 0, 0)
    assert archive.getinfo("b (2)/z").compress_size < 1000


def test_names_of_any_bytes_are_readable_and_lead_nowhere(storage: Storage) -> None:
    """A backslash is a slash on Windows: written as it is, the app would choose where a file goes."""
    for name in ("caf\udce9", "..\\..\\evil.exe", "ü 漢.txt", "a\nb", "C:"):
        (storage.root / name).write_text("x")
    _, archive = zipped(storage)
    assert set(archive.namelist()) == {"caf%E9", "..%5C..%5Cevil.exe", "ü 漢.txt", "a%0Ab", "C%3A"}
    assert archive.getinfo("ü 漢.txt").flag_bits & 0x800


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_another_program_unpacks_it(storage: Storage, tmp_path: Path) -> None:
    """Info-ZIP finds nothing wrong with it."""
    storage.fill(a__x="text", a__b__y="")
    (storage.root / "big").write_bytes(os.urandom(3_000_001))
    target = tmp_path / "got.zip"
    target.write_bytes(
        drained(lambda sink: send_folder_zipped(storage.root, at(""), storage.puts, sink=sink, begin=lambda _: None))
    )
    subprocess.run(["unzip", "-q", str(target), "-d", str(tmp_path / "got")], check=True)
    assert (tmp_path / "got" / "big").read_bytes() == (storage.root / "big").read_bytes()
    assert (tmp_path / "got" / "a" / "x").read_text() == "text"


def test_what_is_on_its_way_is_not_in_it(storage: Storage) -> None:
    """What the platform is about to put is nobody's yet."""
    storage.fill(a="1", **{TEMPORARY: "half"})
    (storage.puts / TOKEN).touch()
    assert zipped(storage)[1].namelist() == ["a"]


def test_a_file_that_becomes_shorter_breaks_it_off(storage: Storage) -> None:
    """Half a zip lacks its list, and no program takes it for whole."""
    (storage.root / "big").write_bytes(os.urandom(3_000_001))
    reading, writing = os.pipe()

    def send() -> None:
        with pytest.raises(StoredChanged):
            send_folder_zipped(storage.root, at(""), storage.puts, sink=writing, begin=lambda _: None)
        os.close(writing)

    sender = Thread(target=send)
    sender.start()
    got = os.read(reading, 512)
    os.truncate(storage.root / "big", 1_500_000)
    with os.fdopen(reading, "rb") as rest:
        got += rest.read()
    sender.join()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(got))


def test_a_folder_with_too_much_in_it_is_refused_before(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the other ways to get it; and so is a path that no zip has room for."""
    storage.fill(a="", b="", c__d="")
    monkeypatch.setattr(storage_zip, "_ENTRIES_MAX", 3)
    with pytest.raises(RequestRefused, match="4 entries") as refused:
        zipped(storage)
    assert "tar" in refused.value.do
    monkeypatch.undo()
    make_deep(storage.root / "deep", 60, data=b"x")
    monkeypatch.setattr(storage_zip, "_LONGEST_PATH", 60 * 2)
    with pytest.raises(RequestRefused, match="121 bytes"):
        zipped(storage, "deep")


def test_a_folder_is_no_file_and_no_link(storage: Storage) -> None:
    """Each is told as what it is."""
    storage.fill(a="")
    (storage.root / "out").symlink_to(storage.outside)
    with pytest.raises(StoredKindRefused):
        zipped(storage, "a")
    with pytest.raises(StoredLink):
        zipped(storage, "out")


def test_nothing_outside_comes_while_folders_are_swapped_for_links(storage: Storage) -> None:
    """An app does that as fast as it can."""
    for number in range(40):
        storage.fill(**{f"inside__d{number}__secret": "inside"})
    with Swapper(storage.root / "inside", storage.outside):
        archives = [zipped(storage, "inside")[1] for _ in range(20)]
    contents = {
        archive.read(one)
        for archive in archives
        for one in archive.infolist()
        if not one.is_dir() and stat.S_ISREG(one.external_attr >> 16)
    }
    assert contents <= {b"inside"}
