"""What the doctor says about an app's storage: databases, locks, writers, and whether two copies may share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from potions.model.doctor.finding import Finding, Kind, Severity
from potions.model.doctor.storage_seen import (
    OF_ONE_PROCESS,
    DatabaseFile,
    Engine,
    FileInUse,
    FilesInUse,
    Holder,
    Some,
    StorageSeen,
)
from potions.model.plan import Strategy

_HANDOVER = 'strategy = "handover" below [deploy] in potions.toml'

SQLITE_NO_WAL = Kind(
    "sqlite-no-wal",
    Severity.INFO,
    'A SQLite database without WAL: while one process writes, others can get "database is locked".',
    "Once, from the app: PRAGMA journal_mode = WAL, and PRAGMA busy_timeout = 5000 for each connection",
)
SQLITE_CUT_OFF = Kind(
    "sqlite-cut-off",
    Severity.INFO,
    "A transaction of a SQLite database was cut off. SQLite rolls it back when the database is opened next.",
    "Nothing. Never remove or move the file that ends in -journal without its database",
)
ENGINE_OF_ONE = Kind(
    "engine-of-one",
    Severity.INFO,
    "A database that only one process can have open: LevelDB, RocksDB, ZODB, Berkeley DB, DuckDB, Lucene, H2.",
    _HANDOVER,
)
LOCK_HELD = Kind(
    "lock-held",
    Severity.INFO,
    "A process of the app holds a lock on a whole file in storage, which keeps a second one out.",
    _HANDOVER,
)
LOCK_FILES = Kind(
    "lock-files",
    Severity.INFO,
    "Files with names that programs give to locks lie in storage. One that a crash left may keep an app from starting.",
    "Ask the app's own documents what they are for; Potions never touches them",
)
WRITTEN_TWICE = Kind(
    "written-twice",
    Severity.INFO,
    "Two processes of the app have one file in storage open for writing at once.",
    "See that the app is made for that",
)
OVERLAP_RISKY = Kind(
    "overlap-risky",
    Severity.WARNING,
    "The deploys of an app overlap, and something in its storage speaks against two copies of it at once.",
    f"{_HANDOVER}, then deploy; docs/strategies.md says how to find out",
)
FOREIGN_FILES = Kind(
    "foreign-files",
    Severity.WARNING,
    "Files in storage do not belong to the app's user: the app may be unable to change or remove them.",
    "As root: chown -hR USER STORAGE",
)
OPEN_TO_ALL = Kind(
    "open-to-all",
    Severity.INFO,
    "Files in storage may be changed by every user of the computer who gets to them.",
    "Have the app make them with other permissions; or: chmod o-w FILE",
)
LINKS_OUT = Kind(
    "links-out",
    Severity.INFO,
    "Links in storage lead out of it. What they lead to is not kept with the storage; in a slot it goes with a deploy.",
    "Keep the files themselves in storage",
)
STORAGE_PARTLY = Kind(
    "storage-partly",
    Severity.INFO,
    "Not all of the storage was looked at: it is large, or has directories that may not be read or are mounted.",
    "Nothing: what was found stands above",
)

KINDS = (
    SQLITE_NO_WAL,
    SQLITE_CUT_OFF,
    ENGINE_OF_ONE,
    LOCK_HELD,
    LOCK_FILES,
    WRITTEN_TWICE,
    OVERLAP_RISKY,
    FOREIGN_FILES,
    OPEN_TO_ALL,
    LINKS_OUT,
    STORAGE_PARTLY,
)


def judge_storage(
    app: str, strategy: Strategy, storage: str, user: str, seen: StorageSeen, use: FilesInUse
) -> list[Finding]:
    """Everything worth a word. ``storage`` is its path, ``user`` the name of the app's user."""
    against = [*_databases(app, seen.databases), *_locks(app, use.files), *_written_twice(app, use.files)]
    rest = [
        *_cut_off(app, seen.databases),
        *_named(LOCK_FILES, app, seen.lock_files, "has the name of a lock", "have names of locks"),
        *_foreign(app, storage, user, seen.foreign),
        *_named(OPEN_TO_ALL, app, seen.open_to_all, "may be changed by everybody", "may be changed by everybody"),
        *_named(LINKS_OUT, app, seen.links_out, "leads out of the storage", "lead out of the storage"),
        *_partly(app, seen, use),
    ]
    return [*_advice(app, strategy, against), *against, *rest]


def verdict(strategy: Strategy, findings: Iterable[Finding]) -> str:
    """One sentence about the app's strategy."""
    reasons = any(finding.code in _AGAINST for finding in findings)
    if strategy is Strategy.HANDOVER:
        return "deploys hand over" + (", as what was seen asks for" if reasons else "")
    return "deploys overlap" + ("" if reasons else ", and nothing that was seen speaks against it")


_AGAINST = frozenset(kind.code for kind in (SQLITE_NO_WAL, ENGINE_OF_ONE, LOCK_HELD, WRITTEN_TWICE))


def _advice(app: str, strategy: Strategy, against: list[Finding]) -> Iterator[Finding]:
    if strategy is Strategy.OVERLAP and against:
        yield OVERLAP_RISKY.found(
            f"Two copies of {app} run for a moment at each deploy, and may harm what is in its storage.",
            app=app,
            expected="They may share it, or the one stops before the other starts.",
            why="\n".join(finding.what for finding in against),
            do=f"Where what stands below cannot be helped: {_HANDOVER}, then deploy",
        )


def _databases(app: str, databases: list[DatabaseFile]) -> Iterator[Finding]:
    for one in databases:
        if one.engine in OF_ONE_PROCESS:
            yield ENGINE_OF_ONE.found(
                f"{one.path} is a database of {one.engine}, which one process alone can have open.",
                app=app,
                place=one.path,
            )
        elif one.engine is Engine.SQLITE and not one.wal:
            yield SQLITE_NO_WAL.found(f"{one.path} is a SQLite database without WAL.", app=app, place=one.path)


def _cut_off(app: str, databases: list[DatabaseFile]) -> Iterator[Finding]:
    for one in databases:
        if one.cut_off:
            yield SQLITE_CUT_OFF.found(
                f"A transaction of {one.path} was cut off; {one.path}-journal has what undoes it.",
                app=app,
                place=one.path,
            )


def _locks(app: str, files: list[FileInUse]) -> Iterator[Finding]:
    for one in files:
        if one.lockers and one.engine is None:
            yield LOCK_HELD.found(f"{_who(one.lockers[:1])} holds a lock on {one.path}.", app=app, place=one.path)


def _written_twice(app: str, files: list[FileInUse]) -> Iterator[Finding]:
    for one in files:
        # A known database has rules of its own, and lines that are added at the end do not overwrite each other.
        writers = [writer for writer in one.writers if not writer.appends]
        if len({writer.pid for writer in writers}) > 1 and one.engine is None:
            yield WRITTEN_TWICE.found(
                f"{_who(writers)} have {one.path} open for writing at once.", app=app, place=one.path
            )


def _who(holders: Iterable[Holder]) -> str:
    """``web of blue (process 55) and worker of blue (process 56)``."""
    return " and ".join(f"{one.process} of {one.slot} (process {one.pid})" for one in holders)


def _named(kind: Kind, app: str, some: Some, one: str, several: str) -> Iterator[Finding]:
    if some.count:
        what = f"{some.first[0]} {one}." if some.count == 1 else f"{some.count:,} {several}: {_names(some)}."
        yield kind.found(what, app=app)


def _foreign(app: str, storage: str, user: str, some: Some) -> Iterator[Finding]:
    if some.count:
        yield FOREIGN_FILES.found(
            f"In storage, {some.count:,} of another user than the app's, which is {user}: {_names(some)}.",
            app=app,
            place=storage,
            do=f"As root: chown -hR {user} {storage}",
        )


def _partly(app: str, seen: StorageSeen, use: FilesInUse) -> Iterator[Finding]:
    reasons = [
        *([seen.stopped] if seen.stopped else []),
        *([use.stopped] if use.stopped else []),
        *([f"{seen.mounts.count:,} are on other file systems: {_names(seen.mounts)}"] if seen.mounts.count else []),
        *([f"{seen.closed.count:,} may not be read: {_names(seen.closed)}"] if seen.closed.count else []),
    ]
    if reasons:
        yield STORAGE_PARTLY.found("Not all of the storage was looked at.", app=app, why="\n".join(reasons))


def _names(some: Some) -> str:
    return ", ".join(some.first) + (" …" if some.count > len(some.first) else "")
