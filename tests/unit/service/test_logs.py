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

from potions.errors import RequestRefused, WorkerUnknown
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.schema import LogLine
from potions.service import Service
from potions.service.log_cursor import CURSOR_MAX, decode_cursor, encode_cursor, scope_of
from potions.service.logs import OutputReader
from support.rotating import RotatingLog

SCOPE = scope_of(1, None, None)


def reader_of(tree: AppTree, after: str | None = None, contains: str = "", lines: int = 0) -> OutputReader:
    reader = OutputReader(tree, list(Colour), None, SCOPE, contains)
    if after is None:
        reader.begin_with_last(lines, list(Colour))
    else:
        reader.begin_after(decode_cursor(after, SCOPE))
    return reader


def everything(reader: OutputReader) -> list[LogLine]:
    found = reader.read()
    while not reader.is_at_end():
        found += reader.read()
    return found


def texts(lines: list[LogLine]) -> list[str]:
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
            own = [line for line in got if (line.slot, line.process) == source]
            _assert_once(own, log.lines)
        assert all(len(line.cursor) < CURSOR_MAX for line in got)


def _assert_once(got: list[LogLine], written: list[str]) -> None:
    """In order, none twice, and what is missing is missing at a gap."""
    at = 0
    may_skip = False
    for line in got:
        if line.gap:
            may_skip = True
            continue
        if may_skip and line.text not in written[at:]:
            # The beginning of this line was rotated away.
            assert any(whole.endswith(line.text) for whole in written[at:])
            continue
        found = written.index(line.text, at)
        assert found == at or may_skip, f"{written[at:found]} are missing"
        at, may_skip = found + 1, False
    assert at == len(written)
