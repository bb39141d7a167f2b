"""What the database says of itself, and which archives it knows."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from potions.model.app import App
from potions.names import ReleaseId
from potions.secret import Sealer
from potions.store.revision import HEAD
from potions.store.store import Store


def test_a_sound_database(store: Store, app: App) -> None:
    """Nothing to complain of, of this version, and from just now."""
    assert store.complaints() == []
    assert store.revision() == HEAD
    newest = store.newest_moment()
    assert newest is not None and abs(datetime.now(UTC) - newest) < timedelta(minutes=1)


def test_an_empty_database_has_no_newest_moment(store: Store) -> None:
    """Nothing has happened yet."""
    assert store.newest_moment() is None


def test_a_damaged_database(database: Path, sealer: Sealer, store: Store, app: App) -> None:
    """What SQLite finds is told line by line, and the store can still be asked."""
    store.close()
    connection = sqlite3.connect(database)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'apps_name'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with database.open("r+b") as file:
        # The index of names: everything else can still be read.
        file.seek((page - 1) * size + 3)
        file.write(b"\x00\x00")
    again = Store.open(database, sealer)
    assert any("apps_name" in line for line in again.complaints())
    again.close()


def test_rows_that_refer_to_nothing(database: Path, store: Store, app: App) -> None:
    """As a hand at the database leaves them."""
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM apps")
    connection.close()
    assert store.complaints() == ["Rows refer to what is not there."]


def test_archives(store: Store, app: App) -> None:
    """All that the app was ever sent, pruned or kept."""
    ids = [ReleaseId(digit * 64) for digit in "bc"]
    for number, release in enumerate(ids):
        store.add_release(app.id, release, "tar.zst", 100 + number, "blog.tar.zst")
    store.prune_release(app.id, ids[0])
    found = {one.release: (one.suffix, one.packed_bytes, one.pruned) for one in store.archives(app.id)}
    assert found[ids[0]] == ("tar.zst", 100, True)
    assert found[ids[1]] == ("tar.zst", 101, False)
