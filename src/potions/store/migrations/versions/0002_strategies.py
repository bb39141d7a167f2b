"""Strategies and standbys of deployments, contents of releases, and who changed which variables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Made anew and not altered: SQLite would write added columns behind the constraints.
    autoincrement = {"sqlite_autoincrement": True}
    with op.batch_alter_table("deployments", recreate="always", table_kwargs=autoincrement) as deployments:
        deployments.add_column(sa.Column("strategy", sa.String))
        deployments.add_column(sa.Column("standby_until", sa.DateTime))
    with op.batch_alter_table("releases", recreate="always") as releases:
        releases.add_column(sa.Column("files", sa.Integer))
        releases.add_column(sa.Column("unpacked_bytes", sa.Integer))
    op.create_table(
        "variable_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("names", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("variable_changes_app", "variable_changes", ["app_id", "id"])
