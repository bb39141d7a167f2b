"""The guides show what the examples have, and what they say of commands and errors happens."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from scripts.contract import ROOT

from potions.errors import ShippedStorage
from potions.host.shipped_storage import link_storage
from potions.model.plan import Shipped

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
#: A block of code with its language, and the mark above it that names the file it is from.
_BLOCK = re.compile(r"(?:^<!-- from: (\S+) -->\n)?^```([a-z]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def guide(name: str) -> str:
    return (ROOT / "docs" / "guides" / name).read_text()


def typed_or_printed(text: str) -> list[str]:
    """The blocks that name no language: what is typed, and what is seen then."""
    return [block for language, block in _FENCED.findall(text) if not language]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_the_code_of_a_guide_is_an_examples(page: Path) -> None:
    """Each block stands word for word in the file that its mark names, so what the tests deploy is what is shown."""
    blocks = _BLOCK.findall(page.read_text())
    # A few lines of potions.toml may stand alone: that they are taken is tested with all other pages.
    assert [text for source, language, text in blocks if not source and language != "toml"] == []
    assert [source for source, _, text in blocks if source and text not in (ROOT / source).read_text()] == []


@pytest.mark.parametrize(
    "page", [page for page in GUIDES if "examples/" in page.read_text()], ids=lambda page: page.name
)
def test_a_guide_to_a_framework_shows_the_whole_way(page: Path) -> None:
    """The fallback for a developer's computer, the manifest, the commands that deploy it, and what does not stay."""
    text = page.read_text()
    for words in ("STORAGE_DIR", "potions dev -- ", "potions init", "potions apps create pictures", "potions deploy"):
        assert words in text
    assert "## What stays, and what does not\n" in text
    assert re.search(r"<!-- from: \S+potions\.toml -->", text)


def test_the_copy_of_a_database_that_is_shown_is_whole(tmp_path: Path) -> None:
    """Also while a transaction is open, and with all rows still in the write-ahead log."""
    (command,) = [block for block in typed_or_printed(guide("sqlite.md")) if "backup" in block]
    (tmp_path / "storage").mkdir()
    with sqlite3.connect(tmp_path / "storage" / "db.sqlite3") as live:
        live.execute("PRAGMA journal_mode = WAL")
        live.execute("CREATE TABLE t (n)")
        live.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(1000)])
        live.commit()
        live.execute("INSERT INTO t VALUES (1001)")
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    copy = sqlite3.connect(tmp_path / "copy.sqlite3")
    assert copy.execute("SELECT count(*), max(n) FROM t").fetchone() == (1000, 999)


def test_laravels_tree_is_refused_in_the_words_that_are_shown(tmp_path: Path) -> None:
    """And seeded as a whole, once."""
    text = guide("shipped-storage.md")
    (listing,) = [block for block in typed_or_printed(text) if block.startswith("storage/app/.gitignore")]
    slot, storage = tmp_path / "slot", tmp_path / "storage"
    storage.mkdir()
    for path in listing.split():
        (slot / path).parent.mkdir(parents=True, exist_ok=True)
        (slot / path).write_text("*\n!.gitignore\n")
    with pytest.raises(ShippedStorage) as refused:
        link_storage(slot, "../storage", storage, Shipped.REFUSE)
    assert all(part in text for part in (refused.value.what, refused.value.why, refused.value.do))
    link_storage(slot, "../storage", storage, Shipped.SEED)
    seeded = {str(path.relative_to(tmp_path)) for path in storage.rglob("*") if path.is_file()}
    assert seeded == set(listing.split())
