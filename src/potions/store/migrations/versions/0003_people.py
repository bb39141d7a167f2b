"""People with their sessions, tokens and codes, and the log of who did what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_people()
    _make_invitations()
    _make_sessions()
    _make_recovery_codes()
    _make_tokens()
    _make_audit()


def _make_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("password", sa.String),
        sa.Column("totp", sa.LargeBinary),
        sa.Column("totp_on", sa.Boolean, nullable=False),
        sa.Column("totp_step", sa.Integer),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("seen", sa.DateTime),
        sa.UniqueConstraint("name", name="people_name"),
        sqlite_autoincrement=True,
    )


def _make_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("person_id", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE")),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
        sa.UniqueConstraint("hash", name="invitations_hash"),
    )


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("person_id", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("used", sa.DateTime, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.UniqueConstraint("hash", name="sessions_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("sessions_person", "sessions", ["person_id"])


def _make_recovery_codes() -> None:
    op.create_table(
        "recovery_codes",
        sa.Column("person_id", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("used", sa.DateTime),
        sa.PrimaryKeyConstraint("person_id", "hash"),
    )


def _make_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("first", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("person_id", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id", ondelete="CASCADE")),
        sa.Column("access", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("used", sa.DateTime),
        sa.Column("expires", sa.DateTime),
        sa.UniqueConstraint("hash", name="tokens_hash"),
        sa.UniqueConstraint("person_id", "name", name="tokens_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("tokens_app", "tokens", ["app_id"])


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("way", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("app", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
