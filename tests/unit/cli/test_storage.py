"""`potions storage` shows, gets and puts files, asks before it removes any, and prints no name that does something."""

from __future__ import annotations

import io
import json
import os
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from potions.errors import StoredTaken, StoredUnknown
from potions.schema import (
    FolderPut,
    FolderUse,
    StorageSample,
    StorageUse,
    StoredEntry,
    StoredFolder,
    StoredKind,
    StoredRemoval,
)
from support import answers
from support.archives import file, link, tar, tree
from support.canned_agent import Answer, CannedAgent
from support.command import Run

AT = "/apps/blog/storage"
FOLDER = answers.stored("", StoredKind.FOLDER, name="")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the commands are run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def unknown(agent: CannedAgent) -> None:
    agent.refuses("GET", f"{AT}/entry", StoredUnknown("The storage has no a.jpg."))


def names_in(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


# Looking


def test_show_says_where_it_is_and_what_it_holds(run: Run, agent: CannedAgent) -> None:
    """And how the app finds it."""
    agent.says("GET", f"{AT}/history", [StorageSample(answers.NOW - timedelta(days=6), 16_500_000, 2)])
    agent.streams(f"{AT}/usage", [answers.storage_use()])
    out = run("storage", "show", "blog").out
    for words in (
        "/srv/blog/storage",
        "STORAGE_DIR",
        "./storage",
        "deploy",
        "3 files, 18.0 MB (20.0 MB on the disk), in 2 folders",
        "uploads/a.jpg, ",
        "1.5 MB more than 6 days ago",
        "80.0 GB",
    ):
        assert words in out
    assert (agent.asked[0].query, agent.asked[1].query["depth"]) == ({"days": "7"}, "0")


@pytest.mark.parametrize(
    ("ago", "before", "words"),
    [
        (timedelta(hours=3), 18_000_000, "as much as 3 h ago"),
        (timedelta(days=2), 19_000_000, "1.0 MB less than 2 days ago"),
        (timedelta(minutes=50), 1, None),
    ],
)
def test_show_says_what_changed(run: Run, agent: CannedAgent, ago: timedelta, before: int, words: str | None) -> None:
    """Since the first measurement of the last week, where that is an hour old."""
    agent.says("GET", f"{AT}/history", [StorageSample(datetime.now(UTC) - ago, before, 2)])
    agent.streams(f"{AT}/usage", [answers.storage_use()])
    out = run("storage", "show", "blog").out
    assert words in out if words else "change" not in out


def test_show_of_an_empty_storage_says_what_to_do(run: Run, agent: CannedAgent) -> None:
    """Nothing is counted up that is nothing."""
    agent.says("GET", f"{AT}/history", [])
    agent.streams(f"{AT}/usage", [answers.storage_use(files=0, bytes=0, disk_bytes=0, folders=0, newest=None)])
    out = run("storage", "show", "blog").out
    assert "nothing yet" in out and "potions storage put blog" in out
    assert "newest" not in out


def test_usage_names_the_largest_folders(run: Run, agent: CannedAgent) -> None:
    """In the order they come; what was chosen is asked for."""
    biggest = [FolderUse("a%20b", 17_000_000, 18_000_000, 2), FolderUse("c", 1_000_000, 2_000_000, 1)]
    agent.streams(f"{AT}/usage", [answers.storage_use(biggest=biggest)])
    outcome = run("storage", "usage", "blog", "x", "--depth", "2", "--top", "5")
    rows = [line.split() for line in outcome.out.splitlines() if "MB" in line][1:]
    assert rows == [["17.0", "MB", "18.0", "MB", "2", "a", "b/"], ["1.0", "MB", "2.0", "MB", "1", "c/"]]
    assert "0.2 s" in outcome.out
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    assert agent.asked[0].query == {"path": "x", "depth": "2", "top": "5"}


def test_a_measurement_that_breaks_is_told(run: Run, agent: CannedAgent) -> None:
    """Part of a sum is none."""
    agent.streams(f"{AT}/usage", [])
    assert run("storage", "usage", "blog").status == 1


def test_ls_shows_each_thing_as_what_it_is(run: Run, agent: CannedAgent) -> None:
    """One line each, with names that do nothing to the terminal, folders and links marked."""
    entries = [
        answers.stored("d", StoredKind.FOLDER),
        answers.stored("a%1B%5B31mred%0A", name="a\x1b[31mred\n", bytes=5),
        answers.stored("caf%E9", name="caf\\xe9"),
        answers.stored("l", StoredKind.LINK, target="../x\x07"),
        answers.stored("s", StoredKind.OTHER),
    ]
    agent.says("GET", f"{AT}/entry", FOLDER)
    agent.says("GET", f"{AT}/entries", StoredFolder("", entries, 5))
    out = run("storage", "ls", "blog").out
    assert [line[29:] for line in out.splitlines()] == [
        "d/",
        "a\\x1b[31mred\\n",
        "caf\\xe9",
        "l -> ../x\\x07",
        "s (a socket, a named pipe or a device)",
    ]
    assert [line[:9] for line in out.splitlines()] == ["         ", "  5 bytes", "   1.5 kB", "         ", "         "]


def test_ls_asks_until_it_has_all(run: Run, agent: CannedAgent) -> None:
    """Of a folder with more entries than one answer holds; in JSON too they are one folder."""
    agent.says("GET", f"{AT}/entry", FOLDER)
    parts = [StoredFolder("", [answers.stored(name)], 2) for name in ("a", "b")]
    for part in parts * 2:
        agent.says("GET", f"{AT}/entries", part)
    assert len(run("storage", "ls", "blog", "--sort", "newest").out.splitlines()) == 2
    assert agent.asked[2].query == {"order": "newest", "offset": "1", "limit": "100000"}
    whole = msgspec.json.decode(run("storage", "ls", "blog", "--json").out, type=StoredFolder)
    assert [entry.name for entry in whole.entries] == ["a", "b"]


def test_ls_of_a_file_shows_its_line(run: Run, agent: CannedAgent) -> None:
    """And of a link, without following it."""
    agent.says("GET", f"{AT}/entry", answers.stored("a.jpg"))
    assert run("storage", "ls", "blog", "a.jpg").out.endswith("a.jpg\n")
    assert msgspec.json.decode(run("storage", "ls", "blog", "a.jpg", "--json").out, type=StoredEntry).path == "a.jpg"
    assert {asked.path for asked in agent.asked} == {f"{AT}/entry"}


def test_ls_of_nothing_says_what_to_do(run: Run, agent: CannedAgent) -> None:
    """On standard error: a script counts no line."""
    agent.says("GET", f"{AT}/entry", FOLDER)
    agent.says("GET", f"{AT}/entries", StoredFolder("", [], 0))
    outcome = run("storage", "ls", "blog")
    assert outcome.out == ""
    assert "potions storage put blog" in outcome.err


@pytest.mark.parametrize("path", ["/etc", "../a", "a/../b"])
def test_a_path_that_leads_elsewhere_is_a_mistake_in_words(run: Run, agent: CannedAgent, path: str) -> None:
    """Exit status 2, and nothing is asked."""
    for words in (["ls"], ["get"], ["rm", "--yes"], ["mkdir"]):
        outcome = run("storage", words[0], "blog", path, *words[1:])
        assert (outcome.status, "is no path in a storage" in outcome.err) == (2, True)
    assert agent.asked == []


# Changing


def test_mkdir_and_mv_say_what_is_there_now(run: Run, agent: CannedAgent) -> None:
    """A slash at the end moves into a folder."""
    agent.says("POST", f"{AT}/folders", answers.stored("a/b", StoredKind.FOLDER))
    agent.says("POST", f"{AT}/move", answers.stored("old/c.pdf"))
    assert run("storage", "mkdir", "blog", "a/b").out == "a/b/ is there.\n"
    assert run("storage", "mv", "blog", "x/c.pdf", "old/").out == "x/c.pdf is old/c.pdf now.\n"
    assert run("storage", "mv", "blog", "x/c.pdf", "old/c.pdf").status == 0
    assert [asked.query.get("to") for asked in agent.asked] == [None, "old/c.pdf", "old/c.pdf"]


def test_rm_asks_with_what_would_go(run: Run, agent: CannedAgent) -> None:
    """Where nobody can be asked, nothing is removed; the sizes are told, and that there is no trash."""
    agent.says("GET", f"{AT}/entry", answers.stored("uploads", StoredKind.FOLDER))
    agent.streams(f"{AT}/usage", [answers.storage_use(path="uploads")])
    outcome = run("storage", "rm", "blog", "uploads", "-r")
    assert outcome.status == 2
    assert "uploads/ with 3 files, 18.0 MB, for good: there is no trash" in outcome.err
    assert "DELETE" not in {asked.method for asked in agent.asked}


def test_rm_of_a_folder_is_refused_before_anybody_is_asked(run: Run, agent: CannedAgent) -> None:
    """Unless it is empty, or all of it is meant."""
    agent.says("GET", f"{AT}/entry", answers.stored("uploads", StoredKind.FOLDER))
    agent.streams(f"{AT}/usage", [answers.storage_use(path="uploads")])
    outcome = run("storage", "rm", "blog", "uploads")
    assert (outcome.status, "add: -r" in outcome.err) == (1, True)
    agent.answers.pop(("GET", f"{AT}/usage"))
    agent.streams(f"{AT}/usage", [answers.storage_use(path="uploads", files=0, folders=0)])
    assert run("storage", "rm", "blog", "uploads").status == 2


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (answers.stored("a.jpg"), "a.jpg, 1.5 kB, for good"),
        (answers.stored("l", StoredKind.LINK, target="x"), "the link l, and not what it leads to, for good"),
    ],
)
def test_rm_of_a_file_or_a_link_says_what_it_is(run: Run, agent: CannedAgent, entry: StoredEntry, words: str) -> None:
    """Without counting anything."""
    agent.says("GET", f"{AT}/entry", entry)
    assert words in run("storage", "rm", "blog", entry.path).err
    assert len(agent.asked) == 1


def test_rm_with_yes_removes_and_tells(run: Run, agent: CannedAgent) -> None:
    """It asks nobody, and sends what was said."""
    agent.says("DELETE", f"{AT}/entry", StoredRemoval("a%20b", StoredKind.FOLDER, 3, 1500))
    assert run("storage", "rm", "blog", "a b", "-r", "--yes").out == "a b is removed, 3 files, 1.5 kB.\n"
    assert agent.asked[0].query == {"path": "a b", "recursive": "true"}
    out = run("storage", "rm", "blog", "a b", "--yes", "--json").out
    assert msgspec.json.decode(out, type=StoredRemoval).files == 3


# Getting


def comes(agent: CannedAgent, entry: StoredEntry, body: bytes) -> None:
    """The agent has this."""
    agent.says("GET", f"{AT}/entry", entry)
    route = "archive" if entry.kind is StoredKind.FOLDER else "file"
    agent.adds("GET", f"{AT}/{route}", Answer(body=body, headers={"Potions-Files": "1", "Potions-Bytes": "5"}))


@pytest.mark.parametrize(
    ("to", "there"),
    [([], "a.jpg"), (["b.jpg"], "b.jpg"), (["in/"], "in/a.jpg"), (["in"], "in/a.jpg"), (["./"], "a.jpg")],
)
def test_a_file_is_got_under_its_name_or_another(
    run: Run, agent: CannedAgent, here: Path, to: list[str], there: str
) -> None:
    """Into a folder that is there, or where it is said."""
    (here / "in").mkdir()
    comes(agent, answers.stored("uploads/a.jpg"), b"12345")
    outcome = run("storage", "get", "blog", "uploads/a.jpg", *to)
    assert outcome.status == 0, outcome.err
    assert tree(here) == {"in": "/", there: b"12345"}
    assert "5 bytes" in outcome.out


def test_a_folder_is_got_as_one(run: Run, agent: CannedAgent, here: Path) -> None:
    """All of the storage gets a name too; links that lead out are told."""
    comes(agent, FOLDER, tar([file("x/y"), link("out", "/etc/passwd")]))
    outcome = run("storage", "get", "blog", ".")
    assert tree(here) == {"blog-storage": "/", "blog-storage/x": "/", "blog-storage/x/y": b"hello"}
    assert "out is a link that leads out of the folder" in outcome.err
    got = json.loads(run("storage", "get", "blog", ".", "again", "--json").out)
    assert got == {"to": "again", "files": 1, "bytes": 5, "links": ["out"]}


def test_what_is_here_is_replaced_only_on_request(run: Run, agent: CannedAgent, here: Path) -> None:
    """Before anything is got; a folder is never replaced."""
    comes(agent, answers.stored("a.jpg"), b"new")
    (here / "a.jpg").write_text("old")
    assert run("storage", "get", "blog", "a.jpg").status == 2
    assert agent.paths() == [f"GET {AT}/entry"]
    assert run("storage", "get", "blog", "a.jpg", "--replace").status == 0
    assert (here / "a.jpg").read_text() == "new"
    agent.answers.clear()
    comes(agent, answers.stored("a.jpg", StoredKind.FOLDER), tar([file("x")]))
    outcome = run("storage", "get", "blog", "a.jpg", "--replace")
    assert (outcome.status, tree(here)) == (2, {"a.jpg": b"new"})


def test_what_breaks_off_is_not_there(run: Run, agent: CannedAgent, here: Path) -> None:
    """And the exit status says it."""
    agent.says("GET", f"{AT}/entry", answers.stored("a.jpg"))
    agent.adds("GET", f"{AT}/file", Answer(body=b"12345", short=7))
    outcome = run("storage", "get", "blog", "a.jpg")
    assert (outcome.status, tree(here)) == (1, {})
    assert "Not all of it came" in outcome.err


def test_standard_output_gets_the_bytes_and_nothing_else(run: Run, agent: CannedAgent, here: Path) -> None:
    """A file as it is, a folder as a tar."""
    comes(agent, answers.stored("a.jpg"), b"12345")
    assert run("storage", "get", "blog", "a.jpg", "-").out == "12345"
    agent.answers.clear()
    comes(agent, FOLDER, tar([file("x")]))
    out = run("storage", "get", "blog", ".", "-").out
    assert names_in(out.encode()) == ["x"]
    assert tree(here) == {}


# Putting


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["a.jpg"], "a.jpg"),
        (["./a.jpg", "b.jpg"], "b.jpg"),
        (["a.jpg", "uploads/"], "uploads/a.jpg"),
        (["../here/a.jpg", "./"], "a.jpg"),
    ],
)
def test_a_file_is_put_under_its_name_or_another(
    run: Run, agent: CannedAgent, here: Path, words: list[str], path: str
) -> None:
    """With its bytes, its size, and whether it may be executed."""
    (here / "a.jpg").write_bytes(b"12345")
    (here / "a.jpg").chmod(0o755)
    unknown(agent)
    agent.says("PUT", f"{AT}/file", answers.stored(path, bytes=5))
    outcome = run("storage", "put", "blog", *words)
    assert outcome.status == 0, outcome.err
    asked = agent.asked[-1]
    assert asked.query == {"path": path, "replace": "false", "executable": "true"}
    assert (asked.body, asked.headers["Content-Length"]) == (b"12345", "5")
    assert f"put {path}: 5 bytes" in outcome.out


def test_a_file_is_put_into_a_folder_that_is_there(run: Run, agent: CannedAgent, here: Path) -> None:
    """As copying would."""
    (here / "a.jpg").write_bytes(b"12345")
    agent.says("GET", f"{AT}/entry", answers.stored("uploads", StoredKind.FOLDER))
    unknown(agent)
    agent.says("PUT", f"{AT}/file", answers.stored("uploads/a.jpg"))
    run("storage", "put", "blog", "a.jpg", "uploads", "--replace")
    assert agent.asked[-1].query["path"] == "uploads/a.jpg"
    assert agent.asked[-1].query["replace"] == "true"


def test_a_file_that_is_there_is_left_on_request(run: Run, agent: CannedAgent, here: Path) -> None:
    """Nothing is sent, and that is said."""
    (here / "a.jpg").write_bytes(b"12345")
    agent.says("GET", f"{AT}/entry", answers.stored("a.jpg"))
    outcome = run("storage", "put", "blog", "a.jpg", "--skip")
    assert outcome.out == "a.jpg is there already, and was left as it is.\n"
    assert agent.paths() == [f"GET {AT}/entry"]


def test_what_is_there_is_told_with_the_words_that_would_do(run: Run, agent: CannedAgent, here: Path) -> None:
    """For a file and for a folder."""
    (here / "d").mkdir()
    (here / "d" / "x").touch()
    unknown(agent)
    for route in ("file", "archive"):
        agent.refuses("PUT", f"{AT}/{route}", StoredTaken("It is there already.", why="Nothing was changed."))
    assert "add --replace" in run("storage", "put", "blog", "d/x").err
    words = run("storage", "put", "blog", "d").err
    assert "--skip or --replace" in words and "name d/" in words


@pytest.mark.parametrize(("option", "existing"), [([], "refuse"), (["--skip"], "skip"), (["--replace"], "replace")])
def test_a_folder_is_put_as_a_tar(run: Run, agent: CannedAgent, here: Path, option: list[str], existing: str) -> None:
    """Under its own name, with its size, and what to do with what is there; what became of it is told."""
    (here / "d" / "e").mkdir(parents=True)
    (here / "d" / "e" / "x").write_bytes(b"12345")
    agent.says("PUT", f"{AT}/archive", FolderPut("d", 4, 5000, replaced=1, skipped=2))
    outcome = run("storage", "put", "blog", "d", *option)
    asked = agent.asked[-1]
    assert (asked.query, asked.headers["Potions-Bytes"]) == ({"path": "d", "existing": existing}, "5")
    assert names_in(asked.body) == ["e", "e/x"]
    assert outcome.out.splitlines()[0].startswith("✓ put d: 4 files, 5.0 kB in ")
    assert outcome.out.splitlines()[1:] == ["  1 replaced what was there", "  2 left out: there already"]


def test_standard_input_is_put_under_a_name(run: Run, agent: CannedAgent) -> None:
    """Whatever it holds; without a name it is a mistake in words."""
    agent.says("PUT", f"{AT}/file", answers.stored("dump.sql"))
    data = os.urandom(600_000)
    assert run("storage", "put", "blog", "-", "dump.sql", stdin=data).status == 0
    assert agent.asked[0].body == data
    for words in ([], ["d/"]):
        assert run("storage", "put", "blog", "-", *words, stdin=b"x").status == 2


@pytest.mark.parametrize(
    "words",
    [
        ["put", "blog", "nothing"],
        ["put", "blog", "/dev/null"],
        ["put", "blog", "d", "--skip", "--replace"],
        ["put", "blog", "--nothing"],
        ["get", "blog", "a", "--nothing"],
        ["usage", "blog", "--depth", "99"],
        ["usage", "blog", "--top", "-1"],
        ["ls", "blog", "--sort", "size"],
    ],
    ids=" ".join,
)
def test_words_that_do_not_fit_are_refused_before_anything_is_asked(
    run: Run, agent: CannedAgent, words: list[str]
) -> None:
    """Exit status 2."""
    assert run("storage", *words).status == 2
    assert agent.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answers.storage_use().result, ["usage", "blog"]),
        (answers.stored("a", StoredKind.FOLDER), ["mkdir", "blog", "a"]),
        (answers.stored("a"), ["mv", "blog", "b", "a"]),
    ],
    ids=["usage", "mkdir", "mv"],
)
def test_json_is_the_answer_of_the_api(
    run: Run, agent: CannedAgent, answer: StorageUse | StoredEntry, words: list[str]
) -> None:
    """And nothing else."""
    agent.streams(f"{AT}/usage", [answers.storage_use()])
    for route in ("folders", "move"):
        agent.says("POST", f"{AT}/{route}", answer)
    out = run("storage", *words, "--json").out
    assert msgspec.json.decode(out, type=type(answer)) == answer


def test_a_refusal_in_json_is_the_error(run: Run, agent: CannedAgent) -> None:
    """With its code, on standard error."""
    unknown(agent)
    outcome = run("storage", "get", "blog", "a", "--json")
    assert (outcome.status, outcome.out, json.loads(outcome.err)["code"]) == (1, "", "stored-unknown")


def test_a_folder_comes_as_a_zip_where_the_name_says_so(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """One file, as it came; what is there is replaced only on request."""
    target = tmp_path / "got.zip"
    headers = {"Potions-Files": "2", "Potions-Bytes": "5"}
    for _ in range(3):
        agent.says("GET", f"{AT}/entry", answers.stored("d", StoredKind.FOLDER))
    for data in (b"a zip", b"another"):
        agent.adds("GET", f"{AT}/archive", Answer(body=data, headers=headers))
    assert "got d as" in run("storage", "get", "blog", "d", str(target)).out
    assert target.read_bytes() == b"a zip"
    assert agent.asked[1].query == {"path": "d", "format": "zip"}
    assert run("storage", "get", "blog", "d", str(target)).status == 2
    assert run("storage", "get", "blog", "d", str(target), "--replace").status == 0
    assert target.read_bytes() == b"another"
