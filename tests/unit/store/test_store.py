"""What must hold of opening and closing the store."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from potions.errors import InternalError, StoreFailed
from potions.model.app import App
from potions.names import AppName
from potions.secret import Sealer
from potions.store.records import ChoosePorts
from potions.store.store import Store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript(sql)
    connection.close()


def test_what_was_written_is_there_after_opening_again(store: Store, app: App, database: Path, sealer: Sealer) -> None:
    """Closing and opening changes nothing."""
    variables = store.variables(app.id)
    store.close()
    again = Store.open(database, sealer)
    assert again.apps() == [app]
    assert again.variables(app.id) == variables
    again.close()


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
def test_nobody_else_can_read_the_files(tmp_path: Path, sealer: Sealer, choose: ChoosePorts, umask: int) -> None:
    """The database and its log are 0600, whatever the umask says."""
    before = os.umask(umask)
    try:
        store = Store.open(tmp_path / "agent.db", sealer)
        store.create_app(AppName("blog"), choose, {})
    finally:
        os.umask(before)
    assert {path.name: oct(mode(path)) for path in tmp_path.iterdir()} == {
        "agent.db": "0o600",
        "agent.db-shm": "0o600",
        "agent.db-wal": "0o600",
    }
    store.close()


def test_a_file_that_others_could_read_is_closed_to_them(store: Store, database: Path, sealer: Sealer) -> None:
    """A copy that was put back with the wrong mode is put right."""
    store.close()
    database.chmod(0o644)
    Store.open(database, sealer).close()
    assert mode(database) == 0o600


def test_awkward_paths_are_only_paths(tmp_path: Path, sealer: Sealer) -> None:
    """Nothing in a directory's name is taken for a setting."""
    for name in ("a b", "100%", "what?mode=memory#", "100%(here)s:two"):
        path = tmp_path / name / "agent.db"
        path.parent.mkdir()
        Store.open(path, sealer).close()
        assert path.stat().st_size > 0


def test_the_disk_has_what_a_method_did(store: Store) -> None:
    """Write-ahead log, synchronous=FULL and foreign keys are on for every connection, of every thread."""
    together = Barrier(6)

    def settings(_turn: int) -> tuple[object, ...]:
        with store._database.reading() as connection:
            together.wait()
            names = ("journal_mode", "synchronous", "foreign_keys")
            return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(settings, range(6))) == {("wal", 2, 1)}


def test_reading_does_not_wait_for_writing(store: Store, app: App) -> None:
    """While one thread is in the middle of a change, another sees the state before it."""
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE apps SET stopped = 1")
        with ThreadPoolExecutor(1) as thread:
            assert not thread.submit(store.app, "blog").result(timeout=5).stopped
    assert store.app("blog").stopped


def test_nothing_is_asked_after_closing(store: Store) -> None:
    """A closed store says so instead of opening its file again; closing twice is all right."""
    store.close()
    store.close()
    with pytest.raises(InternalError):
        store.apps()


def test_closing_leaves_one_file(store: Store, app: App, database: Path) -> None:
    """The write-ahead log is merged into the database, so that a copy of the one file is whole."""
    store.close()
    assert [path.name for path in database.parent.iterdir()] == ["agent.db"]


def test_opening_again_does_not_load_alembic(store: Store, database: Path) -> None:
    """Its import costs more than all the rest of opening a database that needs no migration."""
    store.close()
    script = (
        "import sys\nfrom pathlib import Path\nfrom potions.store.store import Store\n"
        "Store.open(Path(sys.argv[1]), None).close()\nprint('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(database)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_many_may_open_a_new_database_at_once(database: Path, sealer: Sealer, choose: ChoosePorts) -> None:
    """One makes the tables, the others wait for it, and all work."""
    together = Barrier(6)

    def open_and_write(turn: int) -> None:
        together.wait()
        store = Store.open(database, sealer)
        store.create_app(AppName(f"app{turn}"), choose, {})
        store.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(open_and_write, range(6)))
    store = Store.open(database, sealer)
    assert [app.ports.first for app in store.apps()] != []
    assert {app.ports.first for app in store.apps()} == {4000, 4002, 4004, 4006, 4008, 4010}
    store.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 500)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def scribbled(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


@pytest.mark.parametrize("damage", [garbage, truncated, scribbled])
def test_a_damaged_file_is_told(store: Store, database: Path, sealer: Sealer, damage: Callable[[Path], None]) -> None:
    """The error names the file and what to do, and the file is left as it is for who repairs it."""
    store.close()
    damage(database)
    before = database.read_bytes()
    with pytest.raises(StoreFailed) as refused:
        Store.open(database, sealer)
    assert "damaged" in refused.value.what
    assert str(database) in refused.value.why
    assert "copy" in refused.value.do
    assert database.read_bytes() == before


def test_damage_that_shows_later_is_told_too(store: Store, app: App, database: Path, sealer: Sealer) -> None:
    """A page in the middle that went bad is an error of the call that meets it."""
    store.close()
    connection = sqlite3.connect(database)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'apps'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    again = Store.open(database, sealer)
    with pytest.raises(StoreFailed, match="damaged"):
        again.apps()
    again.close()


def test_a_newer_database_is_refused(store: Store, app: App, database: Path, sealer: Sealer) -> None:
    """The older version says what to do and leaves the file alone."""
    store.close()
    run(database, "UPDATE alembic_version SET version_num = '9999'")
    before = database.read_bytes()
    with pytest.raises(StoreFailed) as refused:
        Store.open(database, sealer)
    assert "newer version" in refused.value.what
    assert "9999" in refused.value.why
    assert "Install" in refused.value.do
    assert database.read_bytes() == before


def test_somebody_elses_database_is_refused(database: Path, sealer: Sealer) -> None:
    """A SQLite file that is not Potions' gets no tables of ours."""
    run(database, "CREATE TABLE songs (title TEXT)")
    with pytest.raises(StoreFailed, match="none of Potions'"):
        Store.open(database, sealer)
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    connection.close()


def test_a_path_that_cannot_be_a_database_is_told(tmp_path: Path, sealer: Sealer) -> None:
    """A missing directory, and a directory in the file's place."""
    (tmp_path / "directory").mkdir(mode=0o755)
    for path in (tmp_path / "missing" / "agent.db", tmp_path / "directory"):
        with pytest.raises(StoreFailed) as refused:
            Store.open(path, sealer)
        assert str(path) in refused.value.why
    assert mode(tmp_path / "directory") == 0o755


def test_a_database_that_somebody_holds_is_told(
    store: Store, app: App, database: Path, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After waiting a while the call gives up, and says which file it is about."""
    store.close()
    monkeypatch.setattr("potions.store.database.BUSY_SECONDS", 0)
    again = Store.open(database, sealer)
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed, match="busy"):
        again.set_stopped(app.id, True)
    holder.execute("ROLLBACK")
    holder.close()
    again.set_stopped(app.id, True)
    assert again.app("blog").stopped
    again.close()
