"""The kept log of a deployment: whole lines, no value of a variable, and no end of a deploy because of it."""

from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.host.deployment_log import DeploymentLog, read_events
from potions.model.deployment import Failure, Status
from potions.model.event import Event, EventKind

SECRET = "kb3-secret-value-of-a-variable"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deployment-1.jsonl"


@pytest.fixture
def log(path: Path) -> DeploymentLog:
    return DeploymentLog(path)


def events(path: Path) -> list[Event]:
    return read_events(path.read_bytes())


def test_everything_that_is_told_can_be_read_again(log: DeploymentLog, path: Path) -> None:
    """In order, each with its step and its figures."""
    log.status(Status.BUILDING)
    log.began("unpack")
    log.note("three files")
    log.output("é\tline")
    log.progress(5, 5)
    log.ended("unpack", 1.23456)
    log.failed("build", Failure("build-failed", "What.", "Why.", "Do."))
    log.undone("unpack")
    told = [(event.kind, event.step, event.text, event.seconds, event.done, event.total) for event in events(path)]
    assert told == [
        (EventKind.STATUS, "", "building", 0, 0, 0),
        (EventKind.BEGAN, "unpack", "", 0, 0, 0),
        (EventKind.NOTE, "unpack", "three files", 0, 0, 0),
        (EventKind.OUTPUT, "unpack", "é\tline", 0, 0, 0),
        (EventKind.PROGRESS, "unpack", "", 0, 5, 5),
        (EventKind.ENDED, "unpack", "", 1.235, 0, 0),
        (EventKind.FAILED, "build", "What.\nWhy.\nDo.", 0, 0, 0),
        (EventKind.UNDONE, "unpack", "", 0, 0, 0),
    ]
    assert all(event.at.tzinfo is not None for event in events(path))


def test_no_value_of_a_variable_is_kept(log: DeploymentLog, path: Path) -> None:
    """Whatever tells it: output, notes and failures."""
    log.hide({"KEY": SECRET})
    log.output(f"connecting with {SECRET}!")
    log.note(SECRET)
    log.failed("start", Failure("x", f"What {SECRET}", f"Why {SECRET}", f"Do {SECRET}"))
    assert SECRET not in path.read_text()
    assert events(path)[0].text == "connecting with [KEY]!"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=st.integers(3950, 4010))
def test_no_part_of_a_value_is_kept_where_a_long_line_is_cut(path: Path, before: int) -> None:
    """Wherever in the line it stands."""
    log = DeploymentLog(path)
    log.hide({"KEY": SECRET})
    log.output("x" * before + SECRET + " and more" * 1000)
    assert SECRET[:8] not in path.read_text()
    assert len(events(path)[-1].text) <= 4000


def test_progress_is_told_now_and_then_and_at_its_end(log: DeploymentLog, path: Path) -> None:
    """A long upload does not fill the log."""
    for done in range(10_001):
        log.progress(done, 10_000)
    told = [event.done for event in events(path)]
    assert told[-1] == 10_000
    assert 2 <= len(told) < 200


def test_lines_of_several_threads_are_whole(log: DeploymentLog, path: Path) -> None:
    """To a reader as well, who looks while they are written and takes what has an end."""
    path.touch()
    over = threading.Event()
    halves: list[bytes] = []

    def read() -> None:
        while not over.is_set():
            whole, _, _ = path.read_bytes().rpartition(b"\n")
            halves.extend(line for line in whole.splitlines() if not (line.startswith(b"{") and line.endswith(b"}")))

    def write(number: int) -> None:
        for _ in range(60):
            log.output(f"{number}" * 3000)

    reading = threading.Thread(target=read)
    writing = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in (reading, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    over.set()
    reading.join()
    assert halves == []
    assert len(events(path)) == 180


def test_a_line_that_a_crash_cut_is_left_out(log: DeploymentLog, path: Path) -> None:
    """The lines before it and behind it are there."""
    log.note("one")
    whole = path.read_bytes()
    log.note("two")
    for cut in range(len(whole) + 1, path.stat().st_size):
        assert [event.text for event in read_events(path.read_bytes()[:cut])][:1] == ["one"]
    before = b'{"at": 1}\n\n[]\nnonsense\n\xff\n'
    assert read_events(before + whole, -len(before)) == events(path)[:1]


def test_a_log_whose_folder_is_gone_does_not_break_the_deploy(tmp_path: Path) -> None:
    """An app that was removed by hand still has to be cleaned up after."""
    DeploymentLog(tmp_path / "gone" / "deployment-1.jsonl").note("nobody hears it")


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Allows files to grow to so many bytes only: a write then takes a part, or nothing, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_does_not_break_the_deploy(log: DeploymentLog, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is undone is worth more than that it is told."""
    log.note("one")
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.note("two")
    monkeypatch.setattr(os, "write", write)
    log.note("three")
    assert [event.text for event in events(path)] == ["one", "three"]


def test_a_line_that_a_full_disk_cut_does_not_take_the_next_one_along(
    log: DeploymentLog, path: Path, limited: Callable[[int], None]
) -> None:
    """A write took a part of it; what comes once there is room is whole."""
    log.note("one")
    limited(path.stat().st_size + 20)
    log.note("two is cut")
    limited(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    log.note("three")
    assert [event.text for event in events(path)] == ["one", "three"]


def test_other_errors_are_not_hidden(tmp_path: Path) -> None:
    """A log that is a link is somebody's trick."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        DeploymentLog(tmp_path / "link").note("one")
    assert not (tmp_path / "elsewhere").exists()


def test_others_may_not_read_it(log: DeploymentLog, path: Path) -> None:
    """Whatever the umask; and it is one JSON object a line."""
    before = os.umask(0)
    log.note("one\ntwo")
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (line,) = path.read_bytes().splitlines()
    assert msgspec.json.decode(line)["text"] == "one\ntwo"


def test_what_is_printed_without_end_is_not_kept_without_end(path: Path) -> None:
    """A build that prints a line a million times fills no disk: its beginning and its last lines are there."""
    log = DeploymentLog(path)
    log.began("build")
    for number in range(50_000):
        log.output(f"{number} {'x' * 1000}")
    log.ended("build", 1)
    log.began("start")
    log.output("of the next step")
    told = [event.text for event in events(path) if event.text]
    kept = [text.partition(" ")[0] for text in told if text.endswith("x")]
    left_out = 50_000 - len(kept)
    assert path.stat().st_size < 12 * 1024 * 1024
    assert kept == [*map(str, range(len(kept) - 100)), *map(str, range(49_900, 50_000))]
    assert f"it printed too much: {left_out:,} lines are left out here" in told
    assert told[-1] == "of the next step"


def test_the_last_lines_before_a_failure_are_kept(path: Path) -> None:
    """They say why, however much came before them."""
    log = DeploymentLog(path)
    log.began("build")
    for number in range(20_000):
        log.output(f"{number} {'x' * 1000}")
    log.failed("build", Failure("build-failed", "What."))
    *_, last, failure = [event.text for event in events(path) if event.text]
    assert (last.partition(" ")[0], failure) == ("19999", "What.")
