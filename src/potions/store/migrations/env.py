"""What Alembic runs for every migration, in the transaction that ``potions.store.upgrade`` was given."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
# SQLite takes back tables like rows, so nothing here begins or ends a transaction: all migrations happen, or none.
context.run_migrations()
