"""What apps print is given line by line, each once, however often it is read on and whatever is rotated meanwhile."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from supervisor.loggers import LogRecord, RotatingFileHandler

from potions.errors import RequestRefused
from potions.host.file_outputs import FileReader
from potions.host.kept_output import Place
from potions.host.log_cursor import CURSOR_MAX, LogCursor, decode_cursor, encode_cursor, scope_of
from potions.layout import AppTree, Colour
from potions.model.output import Printed, Wanted
from support.rotating import RotatingLog

SCOPE = scope_of(1, None, None)


def reader_of(tree: AppTree, after: str | None = None, contains: str = "", lines: int = 0) -> FileReader:
    reader = FileReader(tree, Wanted(contains=contains, serving=Colour.GREEN), SCOPE)
    if after is None:
        reader.begin_with_last(lines, list(Colour))
    else:
        reader.begin_after(decode_cursor(after, SCOPE))
    return reader


def everything(reader: FileReader) -> list[Printed]:
    found = reader.read()
    while not reader.is_at_end():
        found += reader.read()
    return found


def texts(lines: list[Printed]) -> list[str]:
    return ["GAP" if line.gap else line.text for line in lines]


@pytest.fixture
def logs(tmp_path: Path) -> AppTree:
    tree = AppTree(tmp_path)
    tree.logs.mkdir()
    return tree


# Every line once


_WRITES = st.tuples(st.just("write"), st.integers(0, 2), st.integers(0, 4), st.integers(0, 30))
_ROTATES = st.tuples(st.just("rotate"), st.integers(0, 2), st.just(0), st.just(0))
_READS = st.tuples(st.just("read"), st.just(0), st.just(0), st.just(0))
_CUTS = st.tuples(st.just("cut"), st.just(0), st.integers(0, 6), st.just(0))


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(_WRITES, _WRITES, _ROTATES, _READS, _CUTS), max_size=40))
def test_every_line_is_given_once_however_often_it_is_cut_and_rotated(steps: list[tuple[Any, ...]]) -> None:
    """A reader that goes away anywhere and another that begins behind the last line it gave, in three growing logs.

    What is missing because it was rotated away twice is told where it is missing, and nothing else is.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = AppTree(Path(folder))
        written = {
            (Colour.BLUE, "web"): RotatingLog(tree.output_log(Colour.BLUE)),
            (Colour.GREEN, "web"): RotatingLog(tree.output_log(Colour.GREEN)),
            (Colour.GREEN, "mail"): RotatingLog(tree.worker_log(Colour.GREEN, "mail")),
        }
        for log in written.values():
            log.print(1)
        every = list(written)
        reader, got = reader_of(tree, lines=1), []
        for act, which, amount, leave in steps:
            if act == "write":
                written[every[which]].print(amount, leave=leave)
            elif act == "rotate":
                written[every[which]].rotate()
            elif act == "read":
                got += reader.read()
            elif got:
                # It goes away in the middle of what it was given: the last lines never arrived.
                fresh = reader.read()
                got += fresh[: max(0, len(fresh) - amount)]
                reader = reader_of(tree, got[-1].cursor)
        for log in written.values():
            log.print(1)
        got += everything(reader)
        for source, log in written.items():
            own = [line for line in got if line.source == source]
            _assert_once(own, log.lines)
        assert all(len(line.cursor) < CURSOR_MAX for line in got)


def _assert_once(got: list[Printed], written: list[str]) -> None:
    """In order, none twice, and what is missing is missing at a gap."""
    at = 0
    may_skip = False
    for line in got:
        if line.gap:
            may_skip = True
            continue
        if may_skip and line.text not in written[at:]:
            # The beginning of this line was rotated away, in the middle of a character perhaps.
            assert any(whole.endswith(line.text.lstrip("\ufffd")) for whole in written[at:])
            continue
        found = written.index(line.text, at)
        assert found == at or may_skip, f"{written[at:found]} are missing"
        at, may_skip = found + 1, False
    assert at == len(written)


# Rotation


def test_what_supervisord_rotates_is_read_on(logs: AppTree) -> None:
    """Its own handler writes, in pieces that end anywhere, and rotates as it does with every app."""
    path = logs.output_log(Colour.GREEN)
    handler = RotatingFileHandler(str(path), "ab+", maxBytes=2000, backupCount=1)
    reader, got = reader_of(logs), []
    text = b"".join(b"line %d %s\n" % (number, b"x" * (number % 90)) for number in range(400))
    for start in range(0, len(text), 77):
        handler.emit(LogRecord(0, text[start : start + 77]))
        got += reader.read()
        if got:
            reader = reader_of(logs, got[-1].cursor)
    handler.close()
    assert [line.text for line in got] == text.decode().splitlines()
    assert not any(line.gap for line in got)
    assert path.with_name(f"{path.name}.1").exists()


def test_a_line_that_a_rotation_cut_is_one_line(logs: AppTree) -> None:
    """Its beginning lies in the file before, its end in the new one."""
    path = logs.output_log(Colour.GREEN)
    path.write_bytes(b"one\ntw")
    reader = reader_of(logs, lines=10)
    first = everything(reader)
    path.rename(path.with_name("green.log.1"))
    path.write_bytes(b"o\nthree\n")
    assert texts(first) == ["one"]
    assert texts(everything(reader)) == ["two", "three"]
    assert texts(everything(reader_of(logs, first[0].cursor))) == ["two", "three"]
    assert texts(everything(reader_of(logs, lines=2))) == ["two", "three"]


def test_what_was_rotated_away_unread_is_told(logs: AppTree) -> None:
    """Once, where it is missing, and the lines behind it come."""
    log = RotatingLog(logs.output_log(Colour.GREEN))
    log.print(3)
    seen = everything(reader_of(logs, lines=3))[-1]
    for _ in range(2):
        log.print(2)
        log.rotate()
    log.print(1)
    found = everything(reader_of(logs, seen.cursor))
    assert texts(found) == ["GAP", *log.lines[5:]]
    assert (found[0].text, found[0].source) == ("", (Colour.GREEN, "web"))
    assert texts(everything(reader_of(logs, found[1].cursor))) == log.lines[6:]


def test_a_log_that_somebody_emptied_is_told_and_repeats_nothing(logs: AppTree) -> None:
    """The file before it was read long ago."""
    path = logs.output_log(Colour.GREEN)
    path.with_name("green.log.1").write_text("older\n")
    os.utime(path.with_name("green.log.1"), (1, 1))
    path.write_text("one\ntwo\n")
    seen = everything(reader_of(logs, lines=10))
    assert texts(seen) == ["older", "one", "two"]
    path.write_text("three\n")
    assert texts(everything(reader_of(logs, seen[-1].cursor))) == ["GAP", "three"]


def test_a_worker_that_begins_meanwhile_is_read_from_its_first_line(logs: AppTree) -> None:
    """Nothing of it was seen, and nothing is missing."""
    logs.output_log(Colour.GREEN).write_text("one\n")
    seen = everything(reader_of(logs, lines=1))
    logs.worker_log(Colour.GREEN, "mail").write_text("sent\n")
    found = everything(reader_of(logs, seen[0].cursor))
    assert [(line.text, line.source.process, line.gap) for line in found] == [("sent", "mail", False)]


def test_a_long_log_is_read_in_parts(logs: AppTree) -> None:
    """A megabyte or so at once, a line of several megabytes too."""
    path = logs.output_log(Colour.GREEN)
    long = "x" * 3_000_000
    path.write_text("".join(f"{number:099d}\n" for number in range(30_000)) + f"{long}\nlast\n")
    reader = FileReader(logs, Wanted(slot=Colour.GREEN), SCOPE)
    reader.begin_after(LogCursor(0.0, False, []))
    assert len(reader.read()) < 12_000
    assert not reader.is_at_end()
    found = everything(reader)
    assert (found[-2].text, found[-1].text) == (long, "last")


def test_only_whole_lines_are_given(logs: AppTree) -> None:
    """What is not ended yet comes when it is, and what is no UTF-8 is replaced."""
    path = logs.output_log(Colour.GREEN)
    path.write_bytes(b"a\xffb\r\nhalf")
    reader = reader_of(logs, lines=5)
    assert texts(everything(reader)) == ["a\ufffdb"]
    with path.open("ab") as file:
        file.write(b" and half\n")
    assert texts(everything(reader)) == ["half and half"]


# Searching


def test_a_search_finds_lines_as_far_back_as_is_kept(logs: AppTree) -> None:
    """The last ones of both slots, in upper and lower case, and goes on with new ones."""
    green, blue = logs.output_log(Colour.GREEN), logs.output_log(Colour.BLUE)
    blue.write_text("ERROR in blue\n")
    green.with_name("green.log.1").write_text("Error 1\nfine\nerror 2\n")
    green.write_text("".join(f"fine {number}\n" for number in range(200_000)) + "eRRoR 3\nfine\n")
    reader = reader_of(logs, contains="Error", lines=2)
    assert texts(everything(reader)) == ["ERROR in blue", "error 2", "eRRoR 3"]
    with green.open("a") as file:
        file.write("fine\nerror 4\n")
    found = everything(reader)
    assert texts(found) == ["error 4"]
    with green.open("a") as file:
        file.write("fine\nerror 5\n")
    assert texts(everything(reader_of(logs, found[0].cursor, contains="ERROR"))) == ["error 5"]


# The cursor


def cursor(scope: bytes = SCOPE, places: int = 2) -> str:
    return encode_cursor(scope, 1_700_000_000.0, [Place(5 + number, b"abcd") for number in range(places)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "../../etc/passwd",
        "%2e%2e%2f",
        "ü",
        "A" * 5000,
        cursor()[:-1],
        cursor()[:-3],
        cursor() + "AAAA",
        cursor(scope_of(2, None, None)),
        cursor(scope_of(1, "green", None)),
        cursor(scope_of(1, None, "mail")),
        base64.urlsafe_b64encode(b"\x09" + bytes(13)).decode(),
        base64.b64encode(bytes([1]) + SCOPE + b"\xff\xfe\xff" * 10).decode(),
    ],
)
def test_a_cursor_that_makes_no_sense_is_refused(text: str) -> None:
    """Whoever made it: words, paths, half of one, one of another app or another choice."""
    with pytest.raises(RequestRefused) as refused:
        decode_cursor(text, SCOPE)
    assert "after" in refused.value.do


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 2**24 - 1), st.binary(min_size=4, max_size=4)), max_size=30))
def test_a_cursor_that_somebody_made_up_reads_nothing_but_lines_of_these_logs(places: list[tuple[int, bytes]]) -> None:
    """Whatever places it names: what comes are whole lines of the app's logs, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        tree = AppTree(Path(folder))
        log = RotatingLog(tree.output_log(Colour.GREEN))
        log.print(4)
        (tree.logs / "deployment-1.jsonl").write_text("not a line of the app\n")
        text = encode_cursor(SCOPE, 1_700_000_000.0, [Place(*place) for place in places])
        found = everything(reader_of(tree, text))
        assert [line.text for line in found if not line.gap] == log.lines


def test_a_link_in_place_of_a_log_is_not_followed(logs: AppTree, tmp_path: Path) -> None:
    """It would lead out of the app."""
    (tmp_path / "secret").write_text("secret\n")
    logs.output_log(Colour.GREEN).symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match=r"symbolic"):
        everything(reader_of(logs, lines=5))


def test_a_cursor_stays_small_however_many_logs_there_are(logs: AppTree) -> None:
    """102 of them fit, as many as an app can have at once; of more, those left out are read on from now."""
    for number in range(50):
        for colour in Colour:
            logs.worker_log(colour, f"worker{number}").write_text(f"{colour} {number}\n")
    for colour in Colour:
        logs.output_log(colour).write_text(f"{colour}\n")
    seen = everything(reader_of(logs, lines=1))
    assert len(seen) == 102
    assert len(seen[-1].cursor) < CURSOR_MAX
    assert everything(reader_of(logs, seen[-1].cursor)) == []
    for number in range(50, 90):
        logs.worker_log(Colour.GREEN, f"worker{number}").write_text("more\n")
    for path in logs.logs.iterdir():
        os.utime(path, (1, 1))
    seen = everything(reader_of(logs, lines=1))
    assert len(seen[-1].cursor) < CURSOR_MAX
    assert everything(reader_of(logs, seen[-1].cursor)) == []
