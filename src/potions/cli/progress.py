"""What moves on the screen while something takes long. It goes to standard error, and only to a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from potions.cli.screen import spell_out, stderr


@contextmanager
def bytes_bar(label: str, total: int | None, *, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar of bytes and speed; yields what to call with each further number of bytes. ``total`` may be unknown."""
    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as progress:
        task = progress.add_task(spell_out(label), total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def spinner(label: str, *, hidden: bool = False) -> Iterator[Callable[[str], None]]:
    """Something that turns beside a few words; yields what to call with other words."""
    console = stderr()
    if hidden or not console.is_terminal:
        yield lambda _words: None
        return
    with console.status(Text(spell_out(label))) as status:
        yield lambda words: status.update(Text(spell_out(words)))
