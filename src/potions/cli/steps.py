"""How the events of one deployment look: a line for each step, and a spinner for the one that runs."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task
from rich.table import Column
from rich.text import Text

from potions.cli.screen import sanitise, say, sign, stdout
from potions.cli.units import duration, size
from potions.schema import Event, EventKind

#: How much of what the app printed is shown when a step fails. `potions log` has all of it.
_LAST_LINES = 40


#: What a migration has done stays done; all that is undone is that it runs.
_UNDONE = {"build": "stopped", "migrate": "stopped"}


class _RunningStep(ProgressColumn):
    """The running step with its time so far, how many bytes it has done, and the last line that it printed."""

    max_refresh = None

    def render(self, task: Task) -> Text:
        text = Text(f"{task.description:<14} ")
        text.append(duration(time.monotonic() - task.fields["began"]), style="dim")
        if task.completed:
            text.append(f"  {amount(int(task.completed), int(task.total or 0))}", style="dim")
        if last := task.fields["last"]:
            text.append(f"  {last}", style="dim")
        return text


class Steps:
    """Prints events as they come. Use it as a context manager, so that the spinner goes away whatever happens.

    ``everything`` prints also each line of output and the words of a failure, as a kept log does; otherwise output is
    shown only when its step fails, and the words of the failure are left to who reports the end.
    """

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything
        self._console = stdout()
        self._output: deque[str] = deque(maxlen=_LAST_LINES)
        self._began: dict[str, datetime] = {}
        self._bytes: dict[str, str] = {}
        self._failed = False
        self._progress = Progress(
            SpinnerColumn(),
            _RunningStep(Column(no_wrap=True)),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", visible=False, began=time.monotonic(), last="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    def wait(self, words: str) -> None:
        """Say what is waited for: in a terminal beside the spinner, elsewhere as a line."""
        if self._progress.disable:
            say(f"  {words}")
        self._spin(words)

    def show(self, event: Event) -> None:
        """Print one event."""
        match event.kind:
            case EventKind.BEGAN:
                self._begin(event)
            case EventKind.PROGRESS:
                self._advance(event)
            case EventKind.ENDED:
                self._end(event)
            case EventKind.OUTPUT:
                self._take_output(event.text)
            case EventKind.FAILED:
                self._fail(event)
            case EventKind.UNDONE:
                self._line(sign("↩", "<"), f"{event.step:<14} ", _UNDONE.get(event.step, "undone"), "yellow")
            case EventKind.NOTE:
                self._line(sign("·", "-"), event.text, "", "dim")
            case EventKind.STATUS:
                self._rest()

    def _begin(self, event: Event) -> None:
        self._began[event.step] = event.at
        self._output.clear()
        self._spin(event.step)

    def _advance(self, event: Event) -> None:
        self._bytes[event.step] = amount(event.done, event.total)
        self._progress.update(self._task, completed=event.done, total=event.total or None)

    def _end(self, event: Event) -> None:
        self._rest()
        words = f"{duration(event.seconds):<10}{self._bytes.get(event.step, '')}".rstrip()
        self._line(sign("✓", "+"), f"{event.step:<14} ", words, "green")

    def _fail(self, event: Event) -> None:
        self._rest()
        self._failed = True
        began = self._began.get(event.step)
        seconds = event.seconds or ((event.at - began).total_seconds() if began else 0.0)
        self._line(sign("✗", "!"), f"{event.step:<14} ", duration(seconds), "bold red")
        for line in self._output:
            self._print_output(line)
        self._output.clear()
        if self._everything:
            for line in event.text.splitlines():
                say(f"    {sanitise(line)}", "red")

    def _take_output(self, text: str) -> None:
        if self._everything or self._failed:
            self._print_output(text)
        else:
            self._output.append(text)
            self._progress.update(self._task, last=sanitise(text.strip()))

    def _print_output(self, text: str) -> None:
        say(f"    {sign('│', '|')} {sanitise(text.rstrip())}", "dim")

    def _spin(self, words: str) -> None:
        self._progress.reset(
            self._task, description=sanitise(words), visible=True, total=None, began=time.monotonic(), last=""
        )

    def _rest(self) -> None:
        self._progress.update(self._task, visible=False)
        # At once: a line printed above would draw the spinner once more as it was.
        self._progress.refresh()

    def _line(self, mark: str, first: str, rest: str, style: str) -> None:
        text = Text("  ").append(mark, style=style).append(f" {sanitise(first)}").append(rest, style="dim")
        text.rstrip()
        self._console.print(text, soft_wrap=True)


def amount(done: int, total: int) -> str:
    """``12.0 MB of 18.0 MB``, or what is known of it."""
    return f"{size(done)} of {size(total)}" if total and done < total else size(done)
