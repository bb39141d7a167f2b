"""Walking through a storage: what is found, how it ends, and that nothing an app puts there leads anywhere else."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.host.doctor.storage_walk import Bounds, walk_storage
from potions.host.removal import remove_tree
from potions.model.doctor.storage_seen import Engine, StorageSeen
from support.deep import make_deep

JOURNAL = bytes.fromhex("d9d505f920a163d7")

#: In the middle of a transaction that does not fit into memory.
TRANSACTION = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.executemany("INSERT INTO t VALUES (?)", (["x" * 1000] for _ in range(100)))
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    made = tmp_path / "storage"
    made.mkdir(mode=0o750)
    return made


def walk(storage: Path, **bounds: float) -> StorageSeen:
    return walk_storage(storage, os.geteuid(), Bounds(**bounds))  # type: ignore[arg-type]


def database(path: Path, mode: str = "DELETE") -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    return connection


def test_counts(storage: Path) -> None:
    """Files, directories (itself too) and bytes; an empty storage is one directory."""
    assert (walk(storage).files, walk(storage).folders) == (0, 1)
    (storage / "a").mkdir()
    (storage / "a" / "one").write_bytes(b"123")
    (storage / "two").write_bytes(b"4567")
    seen = walk(storage)
    assert (seen.files, seen.folders, seen.bytes, seen.stopped) == (2, 2, 7, "")


# Databases


@pytest.mark.parametrize(("mode", "wal"), [("WAL", True), ("DELETE", False), ("TRUNCATE", False), ("PERSIST", False)])
def test_sqlite_is_known_by_its_bytes(storage: Path, mode: str, wal: bool) -> None:
    """Whatever it is called, open or closed; a transaction that ended leaves nothing to roll back."""
    connection = database(storage / "holiday.jpg", mode)
    for _ in range(2):
        (found,) = walk(storage).databases
        assert (found.engine, found.path, found.wal, found.cut_off) == (Engine.SQLITE, "holiday.jpg", wal, False)
        connection.close()


def test_a_sqlite_transaction_on_its_way_is_not_one_that_was_cut_off(storage: Path) -> None:
    """Both have a journal. Whoever is at it holds a lock; after a crash nobody does."""
    database(storage / "a.db").close()
    words = [sys.executable, "-c", TRANSACTION, str(storage / "a.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as at_it:
        assert at_it.stdout is not None and at_it.stdout.readline()
        assert (storage / "a.db-journal").read_bytes().startswith(JOURNAL)
        assert not walk(storage).databases[0].cut_off
        at_it.kill()
    assert walk(storage).databases[0].cut_off


@pytest.mark.parametrize(
    ("files", "engine", "place"),
    [
        ({"i/CURRENT": b"x", "i/LOCK": b"", "i/MANIFEST-000004": b"x"}, Engine.LEVELDB, "i"),
        ({"data.mdb": b"x", "lock.mdb": b"x"}, Engine.LMDB, "."),
        ({"i/segments_3": b"x", "i/write.lock": b""}, Engine.LUCENE, "i"),
        ({"Data.fs": b"FS30" + bytes(50)}, Engine.ZODB, "Data.fs"),
        ({"x.duckdb": bytes(8) + b"DUCK" + bytes(50)}, Engine.DUCKDB, "x.duckdb"),
        ({"a.mv.db": b"H:2,block:3" + bytes(50)}, Engine.H2, "a.mv.db"),
        ({"b": bytes(12) + b"\x62\x31\x05\x00" + bytes(50)}, Engine.BERKELEY, "b"),
    ],
)
def test_other_databases(storage: Path, files: dict[str, bytes], engine: Engine, place: str) -> None:
    """By how they begin, or by the files that lie together."""
    for name, data in files.items():
        (storage / name).parent.mkdir(exist_ok=True)
        (storage / name).write_bytes(data)
    assert [(found.engine, found.path) for found in walk(storage).databases] == [(engine, place)]


def test_names_of_locks(storage: Path) -> None:
    """Those that programs commonly give, and none that only looks like one."""
    locks = ["app.lock", ".lock", "LOCK", "server.pid", "LCK..ttyS0", ".~lock.a.odt#", "write.lock"]
    for name in [*locks, "padlock.jpg", "clock", "lock.mdb", "rapid"]:
        (storage / name).write_bytes(b"x")
    assert walk(storage).lock_files.count == len(locks)


def test_a_look_at_a_database_changes_nothing(storage: Path) -> None:
    """No byte, no name, not even the time at which a file was read last."""
    database(storage / "a.db", "WAL").close()
    os.utime(storage / "a.db", (1, 1))
    before = (storage / "a.db").stat()
    walk(storage)
    after = (storage / "a.db").stat()
    assert (after.st_atime, after.st_mtime, after.st_ctime) == (before.st_atime, before.st_mtime, before.st_ctime)
    assert [path.name for path in storage.iterdir()] == ["a.db"]


# Whose it is


def test_permissions_that_let_everybody_in(storage: Path) -> None:
    """Files and directories that anybody may change; a link's own bits mean nothing."""
    (storage / "open").write_bytes(b"")
    (storage / "open").chmod(0o666)
    (storage / "folder").mkdir()
    (storage / "folder").chmod(0o777)
    (storage / "link").symlink_to("open")
    assert walk(storage).open_to_all.count == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_files_of_another_user(storage: Path) -> None:
    """Directories and links are told of as well; the owner of a link's target is not asked for."""
    (storage / "mine").write_bytes(b"")
    for name in ("file", "folder", "link"):
        path = storage / name
        {"file": path.touch, "folder": path.mkdir, "link": lambda path=path: path.symlink_to("mine")}[name]()
        os.chown(path, 65534, 65534, follow_symlinks=False)
    seen = walk(storage)
    assert (seen.foreign.count, sorted(seen.foreign.first)) == (3, ["file", "folder", "link"])


# What an app may have put there


def test_links_are_never_followed(storage: Path, tmp_path: Path) -> None:
    """Neither out of the storage nor in a circle; those that lead out are told."""
    (tmp_path / "outside").mkdir()
    database(tmp_path / "outside" / "secret.db").close()
    (storage / "out").symlink_to(tmp_path / "outside")
    (storage / "up").symlink_to("../outside")
    (storage / "file").symlink_to(tmp_path / "outside" / "secret.db")
    (storage / "in").mkdir()
    (storage / "in" / "again").symlink_to("../in")
    (storage / "loop").symlink_to("loop")
    seen = walk(storage)
    assert (seen.files, seen.databases) == (0, [])
    assert sorted(seen.links_out.first) == ["file", "out", "up"]


def test_what_is_no_file_is_not_opened(storage: Path) -> None:
    """A named pipe that nobody writes to would be waited for for ever."""
    os.mkfifo(storage / "a.db")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(storage / "socket"))
        assert walk(storage, seconds=5).stopped == ""


def test_names_of_any_bytes(storage: Path) -> None:
    """Escapes, newlines and bytes that are no UTF-8 are spelt out; very long paths are cut."""
    for name in (b"\x1b]0;evil\x07.lock", b"new\nline.lock", b"\xff\xfe.lock", b"x" * 250 + b".lock"):
        with open(os.fsencode(storage) + b"/" + name, "wb"):
            pass
    first = walk(storage).lock_files.first
    assert len(first) == 4
    assert all(name.isprintable() and len(name.encode()) < 200 for name in first)


def test_a_directory_that_may_not_be_read(storage: Path) -> None:
    """It is told, and what lies beside it is seen. (Root may read everything.)"""
    closed = storage / "closed"
    closed.mkdir()
    closed.chmod(0)
    (storage / "seen").write_bytes(b"x")
    seen = walk(storage)
    closed.chmod(0o700)
    assert seen.files == 1
    assert seen.closed.count == (0 if os.geteuid() == 0 else 1)


def test_a_tree_deeper_than_any_path(storage: Path) -> None:
    """It costs neither memory nor descriptors; how deep the look went is told."""
    make_deep(storage / "deep", 3000)
    before = len(os.listdir("/proc/self/fd"))
    seen = walk(storage)
    # Before anything is asserted: what pytest removes its folders with does not get down there.
    remove_tree(storage / "deep", below=storage)
    assert (seen.closed.count, len(os.listdir("/proc/self/fd"))) == (1, before)
    assert 200 <= seen.folders <= 203


def test_a_storage_that_is_a_link(storage: Path, tmp_path: Path) -> None:
    """An app that puts a link in its place shows nothing of what that leads to."""
    (tmp_path / "link").symlink_to(storage)
    with pytest.raises(OSError):
        walk(tmp_path / "link")


def test_directories_swapped_for_links_meanwhile(storage: Path, tmp_path: Path) -> None:
    """However often the walk comes by, nothing from outside is ever counted."""
    outside = tmp_path / "outside"
    outside.mkdir()
    database(outside / "secret.db").close()
    over = threading.Event()

    def swap() -> None:
        folder = storage / "folder"
        while not over.is_set():
            folder.mkdir()
            folder.rmdir()
            folder.symlink_to(outside)
            folder.unlink()

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        assert all(walk(storage).databases == [] for _ in range(300))
    finally:
        over.set()
        swapping.join()


# Bounds


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """100,000 names in one directory: hard links, which cost the test nothing but the names."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "uploads").mkdir()
    (folder / "uploads" / "first").write_bytes(b"x")
    for number in range(100_000):
        if number % 30_000 == 0:
            # A file has no more names than 65,000.
            source = folder / "uploads" / f"source-{number}"
            source.write_bytes(b"x")
        os.link(source, folder / "uploads" / str(number))
    database(folder / "late.db").close()
    yield folder
    shutil.rmtree(folder)


def test_a_look_ends_after_so_many_names(many: Path) -> None:
    """And says so; what lies near the top was seen, however the disk orders the names."""
    seen = walk(many, names=1000)
    assert "1,000 names" in seen.stopped
    assert seen.files <= 1000
    assert [found.path for found in seen.databases] == ["late.db"]


def test_a_look_ends_after_so_many_seconds(many: Path) -> None:
    """And says so."""
    assert "The look ended after 0 s" in walk(many, seconds=0).stopped


def test_a_hundred_thousand_names_are_seen(many: Path) -> None:
    """Within the bounds that hold for everybody."""
    seen = walk(many, names=200_000, seconds=600)
    assert seen.stopped == ""
    assert seen.files == 100_000 + 4 + 1 + 1
    assert not stat.S_ISLNK((many / "uploads").lstat().st_mode)
