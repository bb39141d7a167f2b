"""The SQLite file: how it is opened, and its transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import URL, Connection, create_engine, event, text

from potions.errors import InternalError
from potions.store.failures import failures_told, unusable
from potions.store.sealing import Sealer

DATABASE_MODE = 0o600
#: How long another process may hold the database before a call gives up.
BUSY_SECONDS = 10


class Database:
    """A database that several threads use at once. Raises StoreFailed where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        make_file(path)
        self.path = path
        # hide_parameters: what is bound to a statement never gets into an error's text.
        self._engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True, max_overflow=-1)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(potions_begin="BEGIN IMMEDIATE")
        # SQLite lets waiting writers sleep for up to 0.1 s at a time; among our own threads a lock hands over at once.
        self._one_writes = Lock()
        self._closed = False

    def prepare(self) -> None:
        """Turn on the write-ahead log, which the file then remembers."""
        with failures_told(self.path), self._engine.connect() as connection:
            mode = _outside_transactions(connection, "PRAGMA journal_mode = WAL")
        if mode != ("wal",):
            raise unusable(self.path, "its file system cannot hold a write-ahead log")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout and holds nobody up."""
        self._refuse_closed()
        with failures_told(self.path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that nobody else writes beside: all of it is on the disk at the end, or nothing."""
        self._refuse_closed()
        with self._one_writes, failures_told(self.path), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A writing transaction that may make tables anew; refused at its end if a row then points at nothing."""
        with self._one_writes, failures_told(self.path), self._writer.connect() as connection:
            # Or else dropping the old copy of a table would delete every row that refers to it.
            connection.detach()
            _outside_transactions(connection, "PRAGMA foreign_keys = OFF")
            with connection.begin():
                yield connection
                if connection.execute(text("PRAGMA foreign_key_check")).first():
                    raise InternalError("A migration of the store left rows that refer to nothing; it was taken back.")

    def close(self) -> None:
        """Wait for a write on its way, then close. The last one to close merges the write-ahead log into the file."""
        with self._one_writes:
            self._closed = True
            self._engine.dispose()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise InternalError("The store was asked after it was closed.")


class StorePart:
    """What each noun's part of the store works with."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer


def make_file(path: Path) -> None:
    """See that the database file is there and that nobody else can read it. SQLite gives its log the same mode."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, DATABASE_MODE)
    except FileExistsError:
        _close_to_others(path)
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error
    else:
        os.fchmod(descriptor, DATABASE_MODE)
        os.close(descriptor)
        _fsync_directory(path.parent)


def _close_to_others(path: Path) -> None:
    # By name: opening and closing a file that SQLite has open elsewhere in this process drops all of SQLite's locks.
    try:
        if path.stat().st_mode & 0o7777 != DATABASE_MODE and path.is_file():
            path.chmod(DATABASE_MODE)
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _outside_transactions(connection: Connection, pragma: str) -> tuple[object, ...] | None:
    """Run what SQLite ignores inside of a transaction, such as SQLAlchemy begins for every statement."""
    raw: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    row: tuple[object, ...] | None = raw.execute(pragma).fetchone()
    return row


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # Python's own handling of transactions begins them late and without a lock; _begin does it instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.execute(text(connection.get_execution_options().get("potions_begin", "BEGIN")))
