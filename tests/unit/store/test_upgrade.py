"""What must hold of the migrations."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from potions.errors import InternalError
from potions.model.app import App
from potions.secret import Sealer
from potions.store import tables, upgrade
from potions.store.revision import HEAD
from potions.store.store import Store


def schema(path: Path) -> dict[str, list[str]]:
    """What each table and index is made of, sorted: a table that was made anew has its constraints in another order."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    # SQLite puts the name of a table that was renamed into quotes.
    texts = {name: " ".join(sql.replace(f'"{name}"', name).split()) for name, sql in rows}
    return {
        name: sorted(text.removesuffix(" )").split(", ")) for name, text in texts.items() if name != "alembic_version"
    }


def test_the_migrations_make_the_tables_the_code_knows(store: Store) -> None:
    """Alembic finds no difference between the two."""
    with store._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_migrations_make_them_to_the_letter(store: Store, database: Path, tmp_path: Path) -> None:
    """Also what Alembic does not compare: ids that never come back, conditions of indexes, what goes with its app."""
    straight = tmp_path / "straight.db"
    engine = create_engine(f"sqlite:///{straight}")
    tables.metadata.create_all(engine)
    engine.dispose()
    assert schema(database) == schema(straight)


def test_the_head_is_the_newest_migration() -> None:
    """The revision that opening looks for is the one the migrations lead to, in one line from the first."""
    script = ScriptDirectory.from_config(upgrade._config())
    assert script.get_heads() == [HEAD]
    assert HEAD in upgrade.known_revisions()


def test_a_database_of_an_earlier_version_keeps_all_it_has(database: Path) -> None:
    """Every app, release, deployment and sealed variable of each earlier revision is there after the upgrade."""
    for dump in sorted((Path(__file__).parent / "databases").glob("*.sql")):
        database.unlink(missing_ok=True)
        before = sqlite3.connect(database)
        before.executescript(dump.read_text())
        before.execute("PRAGMA journal_mode = WAL")
        before.close()
        store = Store.open(database, Sealer(bytes(32)))
        blog = store.app("blog")
        assert {name: one.value for name, one in store.variables(blog.id).items()} == {
            "FEATURE": "on",
            "SECRET_KEY_BASE": "made",
        }
        assert [one.label for one in store.releases(blog.id)] == ["r2", "r1"]
        history = store.deployments(blog.id)
        assert [(one.number, one.kind, one.status) for one in history] == [
            (3, "rollback", "succeeded"),
            (2, "deploy", "rolled back"),
            (1, "deploy", "succeeded"),
        ]
        assert store.environment_of(history[0].id) == ({"FEATURE": "off"}, set())
        assert [one.name for one in store.steps(history[2].id)] == ["receive"]
        assert [one.name for one in store.trash()] == ["old"]
        store.close()


def test_a_migration_that_fails_half_way_never_happened(
    database: Path, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables are taken back, and the next opening makes them all."""

    def break_off(connection: object) -> None:
        real(connection)
        raise KeyboardInterrupt

    real = upgrade.upgrade
    monkeypatch.setattr(upgrade, "upgrade", break_off)
    with pytest.raises(KeyboardInterrupt):
        Store.open(database, sealer)
    assert schema(database) == {}
    monkeypatch.undo()
    Store.open(database, sealer).close()
    assert "apps" in schema(database)


def test_making_a_table_anew_keeps_what_refers_to_it(store: Store, app: App) -> None:
    """SQLite changes a table by dropping it; a migration may do that without losing the variables of every app."""
    before = store.variables(app.id)
    with store._database.migrating() as connection:
        made = str(connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'apps'").scalar())
        connection.exec_driver_sql("CREATE TABLE copy AS SELECT * FROM apps")
        connection.exec_driver_sql("DROP TABLE apps")
        connection.exec_driver_sql(made)
        connection.exec_driver_sql("INSERT INTO apps SELECT * FROM copy")
        connection.exec_driver_sql("DROP TABLE copy")
    assert store.variables(app.id) == before


def test_a_migration_that_loses_rows_is_taken_back(store: Store, app: App) -> None:
    """What refers to nothing afterwards is noticed before it is written."""
    with pytest.raises(InternalError), store._database.migrating() as connection:
        connection.exec_driver_sql("DELETE FROM apps")
    assert store.apps() == [app]
