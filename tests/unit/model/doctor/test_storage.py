"""Judging a storage: what speaks against two copies at once, and what else is worth a word."""

from __future__ import annotations

from typing import Any

import pytest

from potions.model.doctor.finding import Finding, is_worrying
from potions.model.doctor.storage import judge_storage, verdict
from potions.model.doctor.storage_seen import DatabaseFile, Engine, FileInUse, FilesInUse, Holder, Some, StorageSeen
from potions.model.plan import Strategy

WEB, OTHER = Holder(10, "blue"), Holder(11, "green")


def judge(
    strategy: Strategy = Strategy.OVERLAP, *, use: list[FileInUse] | None = None, stopped: str = "", **seen: Any
) -> list[Finding]:
    return judge_storage("blog", strategy, "/s", "nobody", StorageSeen(**seen), FilesInUse(use or [], stopped))


def codes(found: list[Finding]) -> list[str]:
    return [one.code for one in found]


def sqlite(*, wal: bool, cut_off: bool = False) -> DatabaseFile:
    return DatabaseFile(Engine.SQLITE, "blog.db", wal, cut_off)


def test_an_ordinary_storage() -> None:
    """Files, SQLite with WAL that both slots have open, LMDB, logs that only grow: nothing to say."""
    use = [
        FileInUse("blog.db", [WEB, OTHER], [], Engine.SQLITE),
        FileInUse("app.log", [Holder(10, "blue", appends=True), Holder(11, "green", appends=True)]),
        FileInUse("data.json", [WEB]),
    ]
    databases = [sqlite(wal=True), DatabaseFile(Engine.LMDB, "cache")]
    found = judge(files=1000, databases=databases, use=use)
    assert found == []
    assert verdict(Strategy.OVERLAP, found) == "deploys overlap, and nothing that was seen speaks against it"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"databases": [sqlite(wal=False)]}, "sqlite-no-wal"),
        ({"databases": [DatabaseFile(Engine.LEVELDB, "index")]}, "engine-of-one"),
        ({"databases": [DatabaseFile(Engine.ZODB, "Data.fs")]}, "engine-of-one"),
        ({"databases": [DatabaseFile(Engine.DUCKDB, "a.duckdb")]}, "engine-of-one"),
        ({"use": [FileInUse("data.json", [], [WEB])]}, "lock-held"),
        ({"use": [FileInUse("data.json", [WEB, OTHER])]}, "written-twice"),
        ({"use": [FileInUse("data.json", [WEB, Holder(11, "blue", "worker.mail")])]}, "written-twice"),
    ],
)
def test_what_speaks_against_an_overlap(more: dict[str, Any], expected: str) -> None:
    """Told as advice with its reason where deploys overlap; where they hand over it is only told."""
    advice, reason = judge(**more)
    assert (advice.code, reason.code) == ("overlap-risky", expected)
    assert reason.what in advice.why
    assert 'strategy = "handover"' in advice.do
    handed_over = judge(Strategy.HANDOVER, **more)
    assert codes(handed_over) == [expected]
    assert not any(map(is_worrying, handed_over))
    assert verdict(Strategy.HANDOVER, handed_over) == "deploys hand over, as what was seen asks for"


def test_one_process_with_a_file_open_twice_is_one_writer() -> None:
    """Two descriptors of one process do not race."""
    assert judge(use=[FileInUse("data.json", [WEB, WEB])]) == []


def test_who_writes_is_named() -> None:
    """Slot, process and its number."""
    found = judge(use=[FileInUse("data.json", [WEB, Holder(11, "green", "worker.mail")])])
    assert "web of blue (process 10) and worker.mail of green (process 11)" in found[1].what


def test_a_transaction_that_was_cut_off() -> None:
    """Not to be touched, and said so."""
    found = judge(databases=[sqlite(wal=True, cut_off=True)])
    assert codes(found) == ["sqlite-cut-off"]
    assert "Never remove" in found[0].do


def test_files_of_somebody_else() -> None:
    """A warning with the command; the first few are named, and that there are more."""
    found = judge(foreign=Some(3, ["a", "b"]))
    assert codes(found) == ["foreign-files"]
    assert found[0].do == "As root: chown -hR nobody /s"
    assert "a, b …" in found[0].what


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lock_files", "lock-files"), ("open_to_all", "open-to-all"), ("links_out", "links-out")],
)
def test_what_is_only_worth_knowing(name: str, expected: str) -> None:
    """One is told by its name, several by their number."""
    one, many = judge(**{name: Some(1, ["x"])}), judge(**{name: Some(40, ["x", "y"])})
    assert codes(one) == codes(many) == [expected]
    assert one[0].what.startswith("x ")
    assert many[0].what.startswith("40 ")
    assert not is_worrying(one[0])


@pytest.mark.parametrize(
    "more",
    [
        {"stopped": "Only 3 of 9 processes were looked at."},
        {"mounts": Some(1, ["big"])},
        {"closed": Some(2, ["secret", "other"])},
    ],
)
def test_that_not_all_was_looked_at(more: dict[str, Any]) -> None:
    """A clean bill of health says what it did not see."""
    assert codes(judge(**more)) == ["storage-partly"]
