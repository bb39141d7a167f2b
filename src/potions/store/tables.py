"""The tables the agent remembers things in. The migrations make them; a test demands that both agree."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """A moment, with its time zone in Python and as UTC in the database. One without a zone is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


apps = Table(
    "apps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("first_port", Integer, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("deleted_at", UtcTime),
    # Without it SQLite gives the highest id again once its row is gone, and what was sealed for the old app would
    # open for the new one.
    sqlite_autoincrement=True,
)
# A deleted app lets go of its name and its ports, and keeps its row for as long as it can be brought back.
Index("apps_name", apps.c.name, unique=True, sqlite_where=text("deleted_at IS NULL"))
Index("apps_first_port", apps.c.first_port, unique=True, sqlite_where=text("deleted_at IS NULL"))

variables = Table(
    "variables",
    metadata,
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("auto", Boolean, nullable=False),
    PrimaryKeyConstraint("app_id", "name"),
)

# A deleted app holds its domains until another app takes them; then it keeps only the memory that it had them.
domains = Table(
    "domains",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("is_primary", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("added", UtcTime, nullable=False),
    UniqueConstraint("app_id", "name", name="domains_of_app"),
    sqlite_autoincrement=True,
)
Index("domains_name", domains.c.name, unique=True, sqlite_where=text("held"))
Index("domains_primary", domains.c.app_id, unique=True, sqlite_where=text("is_primary"))

# Who did what to which variables, without any value.
variable_changes = Table(
    "variable_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String, nullable=False),
    Column("act", String, nullable=False),
    Column("names", JSON, nullable=False),
    sqlite_autoincrement=True,
)
Index("variable_changes_app", variable_changes.c.app_id, variable_changes.c.id)

releases = Table(
    "releases",
    metadata,
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("id", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("suffix", String, nullable=False),
    Column("packed_bytes", Integer, nullable=False),
    Column("source", String, nullable=False),
    Column("received", UtcTime, nullable=False),
    Column("pruned", Boolean, nullable=False),
    # Known once it was unpacked.
    Column("files", Integer),
    Column("unpacked_bytes", Integer),
    PrimaryKeyConstraint("app_id", "id"),
    UniqueConstraint("app_id", "number", name="releases_number"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("release", String, nullable=False),
    Column("slot", String),
    Column("previous", Integer),
    Column("target", Integer),
    Column("by", String, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("began", UtcTime),
    Column("ended", UtcTime),
    # The order in which an app's deployments took the traffic. Neither numbers (a rollback overtakes the queue) nor
    # times (clocks are set back) tell it.
    Column("served", Integer),
    Column("draining", Boolean, nullable=False),
    Column("failure", JSON(none_as_null=True)),
    Column("environment", LargeBinary),
    Column("auto_names", JSON(none_as_null=True)),
    Column("strategy", String),
    # The slot before it is kept running until then, for a rollback that takes a moment.
    Column("standby_until", UtcTime),
    ForeignKeyConstraint(["app_id", "release"], ["releases.app_id", "releases.id"]),
    UniqueConstraint("app_id", "number", name="deployments_number"),
    UniqueConstraint("app_id", "served", name="deployments_served"),
    sqlite_autoincrement=True,
)
# The queue is read often, and almost every row of a long history has ended.
Index("deployments_unfinished", deployments.c.id, sqlite_where=text("ended IS NULL"))
Index("deployments_draining", deployments.c.id, sqlite_where=text("draining"))
# SQLite looks here for the deployments of a release that is deleted with its app.
Index("deployments_release", deployments.c.app_id, deployments.c.release)

steps = Table(
    "steps",
    metadata,
    Column("deployment_id", Integer, ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("began", UtcTime, nullable=False),
    Column("ended", UtcTime),
    Column("undone", UtcTime),
    PrimaryKeyConstraint("deployment_id", "position"),
)

# How much an app had stored, and what it took to find out. In the order of the ids: clocks are set back.
storage_samples = Table(
    "storage_samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("files", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    sqlite_autoincrement=True,
)
Index("storage_samples_app", storage_samples.c.app_id, storage_samples.c.at)

trash = Table(
    "trash",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False),
    Column("directory", String, nullable=False),
    Column("deleted", UtcTime, nullable=False),
    Column("restorable_until", UtcTime, nullable=False),
    Column("total_bytes", Integer, nullable=False),
    Column("total_files", Integer, nullable=False),
    UniqueConstraint("app_id", name="trash_app"),
    sqlite_autoincrement=True,
)

# Whoever may sign in. Of every secret only what cannot be turned back is kept: argon2 for passwords, SHA-256 for what
# is long and random. What has to be read again (the secret of the codes) is sealed.
people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password", String),
    Column("totp", LargeBinary),
    # The secret counts once a code of it was seen.
    Column("totp_on", Boolean, nullable=False),
    # The half minute of the newest code that was good: neither that one nor an older one is good again.
    Column("totp_step", Integer),
    Column("created", UtcTime, nullable=False),
    Column("seen", UtcTime),
    UniqueConstraint("name", name="people_name"),
    # What was sealed for somebody who is gone must not open for somebody else.
    sqlite_autoincrement=True,
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String, nullable=False),
    # None for the first user, who has no name yet.
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE")),
    Column("role", String, nullable=False),
    Column("expires", UtcTime, nullable=False),
    UniqueConstraint("hash", name="invitations_hash"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String, nullable=False),
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("used", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("agent", String, nullable=False),
    Column("address", String, nullable=False),
    UniqueConstraint("hash", name="sessions_hash"),
    sqlite_autoincrement=True,
)
Index("sessions_person", sessions.c.person_id)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("hash", String, nullable=False),
    Column("used", UtcTime),
    PrimaryKeyConstraint("person_id", "hash"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String, nullable=False),
    Column("first", String, nullable=False),
    Column("name", String, nullable=False),
    Column("person_id", Integer, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    # None for all apps. By its id, so that a token never opens another app that gets the name later.
    Column("app_id", Integer, ForeignKey("apps.id", ondelete="CASCADE")),
    Column("access", String, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("used", UtcTime),
    Column("expires", UtcTime),
    UniqueConstraint("hash", name="tokens_hash"),
    UniqueConstraint("person_id", "name", name="tokens_name"),
    sqlite_autoincrement=True,
)
# SQLite looks here for what goes with an app.
Index("tokens_app", tokens.c.app_id)

# Who did what: names alone. It refers to nothing, because it outlives people and apps.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("way", String, nullable=False),
    Column("address", String, nullable=False),
    Column("act", String, nullable=False),
    Column("app", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("outcome", String, nullable=False),
    sqlite_autoincrement=True,
)
