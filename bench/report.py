"""What a bench found: figures, each beside its floor and its budget, as a table for people or as JSON."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One line. A budget is held against the ratio where there is a floor, else against the value itself."""

    name: str
    value: float
    unit: str = ""
    floor: float | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the floor it is; None without a floor."""
        return self.value / self.floor if self.floor else None

    @property
    def is_within(self) -> bool | None:
        """Whether it keeps its budget; None where it has none."""
        if self.at_most is None and self.at_least is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return (self.at_most is None or judged <= self.at_most) and (self.at_least is None or judged >= self.at_least)

    @property
    def budget(self) -> str:
        """The budget for people; empty without one."""
        limits = (("<=", self.at_most), (">=", self.at_least))
        unit = "x" if self.ratio is not None else self.unit
        return " ".join(f"{sign} {_number(limit)} {unit}".rstrip() for sign, limit in limits if limit is not None)


@dataclass
class Report:
    """All figures of one bench, and what a reader has to know about them."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_within(self) -> bool:
        """Whether no figure broke its budget."""
        return all(figure.is_within is not False for figure in self.figures)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"title": self.title, "figures": [_plain(figure) for figure in self.figures], "notes": self.notes}


def machine() -> dict[str, Any]:
    """Where and when this was measured, and how busy the machine was before it began."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def print_report(report: Report) -> None:
    """The table, on stdout."""
    table = Table(title=report.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, justify in (
        ("", "left"),
        ("measured", "right"),
        ("floor", "right"),
        ("ratio", "right"),
        ("budget", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("", justify="left")
    for figure in report.figures:
        table.add_row(*_cells(figure))
    console = Console(file=sys.stdout, highlight=False, width=max(Console().width, 100))
    console.print(table)
    for note in report.notes:
        console.print(f"  {note}", style="dim", markup=False)
    console.print()


def say(text: str) -> None:
    """Progress, on stderr, so that stdout has the results alone."""
    print(text, file=sys.stderr, flush=True)


def median(values: Sequence[float]) -> float:
    """The middle one; 0 without any."""
    return share(values, 0.5)


def share(values: Sequence[float], part: float) -> float:
    """The value that ``part`` (0 to 1) of the values do not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered)) - 1))] if ordered else 0.0


def _plain(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "floor": figure.floor,
        "ratio": figure.ratio,
        "at_most": figure.at_most,
        "at_least": figure.at_least,
        "within": figure.is_within,
    }


def _cells(figure: Figure) -> Sequence[str]:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x"
    verdict = {None: "", True: "ok", False: "OVER"}[figure.is_within]
    floor = "" if figure.floor is None else f"{_number(figure.floor)} {figure.unit}".rstrip()
    return figure.name, f"{_number(figure.value)} {figure.unit}".rstrip(), floor, ratio, figure.budget, verdict


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e12:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
