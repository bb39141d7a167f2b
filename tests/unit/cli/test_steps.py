"""The events of a deployment as lines, in a pipe and in a terminal."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from potions.cli import screen
from potions.cli.steps import Steps, amount
from potions.schema import Event, EventKind
from support import answers


def shown(capsys: pytest.CaptureFixture[str], events: list[Event], *, everything: bool = False) -> str:
    with Steps(everything=everything) as steps:
        for event in events:
            steps.show(event)
    return capsys.readouterr().out


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_is_shown_or_silent_on_purpose(capsys: pytest.CaptureFixture[str], kind: EventKind) -> None:
    """Only what the next line says better leaves no line of its own."""
    out = shown(capsys, [answers.event(kind, "unpack", "words")], everything=True)
    assert bool(out) == (kind not in {EventKind.STATUS, EventKind.BEGAN, EventKind.PROGRESS})


def test_output_is_quiet_until_its_step_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """Output of the step that failed is shown, with what follows; that of the steps before is not."""
    events = [
        answers.event(EventKind.BEGAN, "migrate"),
        answers.event(EventKind.OUTPUT, "migrate", "from migrate"),
        answers.event(EventKind.ENDED, "migrate", seconds=1),
        answers.event(EventKind.BEGAN, "start"),
        answers.event(EventKind.OUTPUT, "start", "before the failure"),
        answers.event(EventKind.FAILED, "start", "It ended."),
        answers.event(EventKind.OUTPUT, "start", "after the failure"),
    ]
    out = shown(capsys, events)
    assert "from migrate" not in out
    assert out.index("✗ start") < out.index("before the failure") < out.index("after the failure")
    assert "It ended." not in out


def test_only_the_last_lines_of_much_output_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A step that printed thousands of lines shows its last ones when it fails."""
    many = [answers.event(EventKind.OUTPUT, "build", f"line {number}") for number in range(1000)]
    out = shown(capsys, [*many, answers.event(EventKind.FAILED, "build")])
    assert out.count("line ") == 40
    assert "line 999\n" in out


def test_a_failure_says_how_long_its_step_took(capsys: pytest.CaptureFixture[str]) -> None:
    """The time since the step began is told where the event does not say it."""
    began = answers.event(EventKind.BEGAN, "verify")
    failed = msgspec.structs.replace(answers.event(EventKind.FAILED, "verify"), at=answers.NOW + timedelta(seconds=60))
    assert "✗ verify         1 min 0 s\n" in shown(capsys, [began, failed])


def test_a_terminal_sees_the_running_step(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the step that runs is named with its bytes, and the cursor is back at the end."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    screen.stdout.cache_clear()
    with Steps(everything=False) as steps:
        for event in answers.good_deploy()[:3]:
            steps.show(event)
        steps._progress.refresh()
    out = capsys.readouterr().out
    assert "unpack" in out
    assert "9.0 MB of 18.0 MB" in out
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")


def test_a_terminal_sees_the_last_line_of_a_long_build(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands beside the spinner, cut to the width of the terminal, and is gone with its step."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    screen.stdout.cache_clear()
    with Steps(everything=False) as steps:
        steps.show(answers.event(EventKind.BEGAN, "build"))
        steps.show(answers.event(EventKind.OUTPUT, "build", "Collecting flask " + "x" * 200))
        steps._progress.refresh()
        seen = capsys.readouterr().out
        steps.show(answers.event(EventKind.ENDED, "build"))
        steps.show(answers.event(EventKind.BEGAN, "start"))
        steps._progress.refresh()
    assert "Collecting flask xxx" in seen
    assert "x" * 80 not in seen
    assert "xxx" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [(12_000_000, 18_000_000, "12.0 MB of 18.0 MB"), (18_000_000, 18_000_000, "18.0 MB"), (5, 0, "5 bytes")],
)
def test_amounts(done: int, total: int, words: str) -> None:
    """The total is said while it is known and not reached."""
    assert amount(done, total) == words
