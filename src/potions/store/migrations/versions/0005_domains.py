"""The domains of apps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "domains",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("is_primary", sa.Boolean, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("added", sa.DateTime, nullable=False),
        sa.UniqueConstraint("app_id", "name", name="domains_of_app"),
        sqlite_autoincrement=True,
    )
    op.create_index("domains_name", "domains", ["name"], unique=True, sqlite_where=sa.text("held"))
    op.create_index("domains_primary", "domains", ["app_id"], unique=True, sqlite_where=sa.text("is_primary"))
