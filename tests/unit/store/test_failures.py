"""What must hold of a store whose disk is full."""

from __future__ import annotations

import pytest

from potions.errors import NoRoom
from potions.model.app import App
from potions.store.store import Store


def test_a_full_disk_is_told_and_changes_nothing(store: Store, app: App) -> None:
    """SQLite runs out of pages as it would on a full disk; with room again the store goes on."""
    before = store.variables(app.id)
    with store._database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NoRoom, match="full"):
        store.change_variables(app.id, {"KEY": "x" * 90_000}, [])
    assert store.variables(app.id) == before
    with store._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    store.change_variables(app.id, {"KEY": "x" * 90_000}, [])
    assert len(store.variables(app.id)["KEY"].value) == 90_000
