"""Setting owner and mode right, of exactly what is meant."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from potions.errors import UnsafePath
from potions.host.permissions import set_permissions


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_directories(tmp_path: Path) -> None:
    """Exactly the mode, also where nobody could open it before; the content stays."""
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "folder").mkdir()
    for name, wanted in (("file", 0o600), ("folder", 0o700)):
        (tmp_path / name).chmod(0)
        set_permissions(tmp_path / name, wanted, None)
        assert mode(tmp_path / name) == wanted
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_owners(tmp_path: Path) -> None:
    """User and group."""
    (tmp_path / "file").write_bytes(b"")
    set_permissions(tmp_path / "file", 0o600, (65534, 65534))
    status = (tmp_path / "file").stat()
    assert (status.st_uid, status.st_gid) == (65534, 65534)


def test_what_somebody_put_in_its_place_is_left_alone(tmp_path: Path) -> None:
    """A link, also in the way, a second name of somebody's file, a pipe: refused, and the target keeps its mode."""
    target = tmp_path / "target"
    target.write_bytes(b"")
    target.chmod(0o644)
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "second").hardlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "second", "pipe"):
        with pytest.raises(UnsafePath):
            set_permissions(tmp_path / name, 0o600, None)
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"")
    (tmp_path / "way").symlink_to("real")
    with pytest.raises(OSError):
        set_permissions(tmp_path / "way" / "file", 0o600, None)
    assert mode(target) == 0o644


def test_the_locks_of_a_database_stay(tmp_path: Path) -> None:
    """SQLite's own are lost when the same process closes any ordinary descriptor of the file."""
    path = tmp_path / "a.db"
    first = sqlite3.connect(path)
    first.execute("CREATE TABLE t (x)")
    first.commit()
    first.execute("BEGIN EXCLUSIVE")
    set_permissions(path, 0o600, None)
    # Another process may not get in. A fork, because locks of one process do not keep itself out.
    pid = os.fork()
    if pid == 0:
        try:
            sqlite3.connect(path, timeout=0).execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    first.rollback()
    first.close()
