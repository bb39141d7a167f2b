"""What reaches the terminal: the two consoles, and what is printed through them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

from potions.cli.elsewhere import addressed
from potions.harmless import sanitise as sanitise
from potions.harmless import spell_out as spell_out

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


@lru_cache
def stdout() -> Console:
    return _console(stderr=False)


@lru_cache
def stderr() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class PlainSpoken(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to ``faults``; rich would end the process here with a status of its own."""
            raise

    # No markup, no emoji codes, no guessing of colours: what apps print must come out as it is.
    return PlainSpoken(stderr=stderr, markup=False, emoji=False, highlight=False)


def say(text: str = "", style: str = "", *, console: Console | None = None) -> None:
    """Print a line as it is, never folded, so that a command in it can be copied; it is for the same server then."""
    (console or stdout()).print(addressed(text), style=style or None, soft_wrap=True)


def warn(warnings: Iterable[str]) -> None:
    """Say on standard error what is not as it should be, though what was asked for was done."""
    for warning in warnings:
        say(f"Warning: {sanitise(warning)}", "yellow", console=stderr())


def width(console: Console | None = None) -> int | None:
    """How many columns there are. None for a pipe, where a script must not meet a folded line."""
    looked_at = console or stdout()
    return looked_at.width if looked_at.is_terminal or "COLUMNS" in os.environ else None


def show(table: Table) -> None:
    """Print a table in the terminal's width; into a pipe each row as one line."""
    if width() is not None:
        stdout().print(table)
    else:
        for line in _lines(table):
            say(line)


def write_out(text: str) -> None:
    """Write ``text`` to standard output byte for byte; on a terminal its lines, each made harmless."""
    if sys.stdout.isatty():
        text = "\n".join(map(spell_out, text.split("\n")))
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def new_table(*titles: str, fold: tuple[str, ...] = ()) -> Table:
    """A table without lines. Columns in ``fold`` share what room is left; the others are never broken."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title, no_wrap=title not in fold, overflow="fold", min_width=len(title))
    return table


def _lines(table: Table) -> Iterator[str]:
    """Each row of a table, the titles first. The last cell of a row ends it: others may be very long."""
    from rich.cells import cell_len, set_cell_size

    columns = [[str(cell) for cell in (column.header, *column.cells)] for column in table.columns]
    widths = [max(map(cell_len, cells)) for cells in columns]
    for row in zip(*columns, strict=True):
        cells = (set_cell_size(cell, wide) for cell, wide in zip(row, widths, strict=True))
        yield "  ".join([*list(cells)[:-1], row[-1]]).rstrip()


def print_json(value: object, stream: TextIO | None = None) -> None:
    """Print an answer of the API as one line of JSON, at once; to standard output if nothing else is named."""
    import msgspec

    target = stream or sys.stdout
    target.write(msgspec.json.encode(value).decode() + "\n")
    target.flush()


def sign(wanted: str, plain: str) -> str:
    """``wanted``, or ``plain`` where the terminal cannot show it."""
    return wanted if stdout().encoding.startswith("utf") else plain
