"""The first tables: apps, variables, releases, deployments, steps, trash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_apps()
    _make_variables()
    _make_releases()
    _make_deployments()
    _make_steps()
    _make_trash()


def _app_id() -> sa.Column[int]:
    return sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id", ondelete="CASCADE"), nullable=False)


def _make_apps() -> None:
    op.create_table(
        "apps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("first_port", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("stopped", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index("apps_name", "apps", ["name"], unique=True, sqlite_where=live)
    op.create_index("apps_first_port", "apps", ["first_port"], unique=True, sqlite_where=live)


def _make_variables() -> None:
    op.create_table(
        "variables",
        _app_id(),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("auto", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "name"),
    )


def _make_releases() -> None:
    op.create_table(
        "releases",
        _app_id(),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("suffix", sa.String, nullable=False),
        sa.Column("packed_bytes", sa.Integer, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("received", sa.DateTime, nullable=False),
        sa.Column("pruned", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "id"),
        sa.UniqueConstraint("app_id", "number", name="releases_number"),
    )


def _make_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.Integer, primary_key=True),
        _app_id(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("release", sa.String, nullable=False),
        sa.Column("slot", sa.String),
        sa.Column("previous", sa.Integer),
        sa.Column("target", sa.Integer),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("began", sa.DateTime),
        sa.Column("ended", sa.DateTime),
        sa.Column("served", sa.Integer),
        sa.Column("draining", sa.Boolean, nullable=False),
        sa.Column("failure", sa.JSON),
        sa.Column("environment", sa.LargeBinary),
        sa.Column("auto_names", sa.JSON),
        sa.ForeignKeyConstraint(["app_id", "release"], ["releases.app_id", "releases.id"]),
        sa.UniqueConstraint("app_id", "number", name="deployments_number"),
        sa.UniqueConstraint("app_id", "served", name="deployments_served"),
        sqlite_autoincrement=True,
    )
    op.create_index("deployments_unfinished", "deployments", ["id"], sqlite_where=sa.text("ended IS NULL"))
    op.create_index("deployments_draining", "deployments", ["id"], sqlite_where=sa.text("draining"))
    op.create_index("deployments_release", "deployments", ["app_id", "release"])


def _make_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("deployment_id", sa.Integer, sa.ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("began", sa.DateTime, nullable=False),
        sa.Column("ended", sa.DateTime),
        sa.Column("undone", sa.DateTime),
        sa.PrimaryKeyConstraint("deployment_id", "position"),
    )


def _make_trash() -> None:
    op.create_table(
        "trash",
        sa.Column("id", sa.Integer, primary_key=True),
        _app_id(),
        sa.Column("directory", sa.String, nullable=False),
        sa.Column("deleted", sa.DateTime, nullable=False),
        sa.Column("restorable_until", sa.DateTime, nullable=False),
        sa.Column("total_bytes", sa.Integer, nullable=False),
        sa.Column("total_files", sa.Integer, nullable=False),
        sa.UniqueConstraint("app_id", name="trash_app"),
        sqlite_autoincrement=True,
    )
