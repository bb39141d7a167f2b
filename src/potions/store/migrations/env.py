"""What Alembic runs for every migration: the connection comes from ``potions.store.upgrade``."""

from __future__ import annotations

from alembic import context

from potions.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can take back tables like rows; so a migration that is killed half way never happened.
    transactional_ddl=True,
    # SQLite changes a table by making it anew.
    render_as_batch=True,
)

with context.begin_transaction():
    context.run_migrations()
