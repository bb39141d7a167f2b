"""The contract: its rows from ``docs/contract.toml``, the tests that carry their marks, and the page made of both."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "docs" / "contract.toml"
TESTS = ROOT / "tests"

_SECTIONS = {
    "S": "Persistent storage",
    "P": "The platform around it",
    "B": "Beyond",
}
_INTRODUCTION = """\
What Potions must do, row by row. A row counts as proved when tests that carry its id pass against the real programs: a
real Caddy, a real process supervisor, a real file system. A row that is not proved yet may be there in part, or not at
all. `<app>` is an app's name; `/opt/potions` is the root on a server, and every other root has the same tree below it.
"""


class MarkUnreadable(Exception):
    """A mark whose row is not a plain text, so that nobody can say which row it proves."""


@dataclass(frozen=True)
class Row:
    """One promise."""

    id: str
    text: str
    proved: bool


def read_rows(path: Path = ROWS) -> list[Row]:
    """The rows of the contract in their order. Raises TypeError for a row with other keys."""
    return [Row(**row) for row in tomllib.loads(path.read_text())["row"]]


def marked_tests(tests: Path = TESTS) -> dict[str, list[str]]:
    """For each row that a mark names, the tests that carry it: ``tests/story/test_x.py::test_name``, sorted.

    Read from the source, so that no test has to be imported. Raises MarkUnreadable.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(tests.rglob("test_*.py")):
        place = path.relative_to(tests.parent).as_posix()
        for name, row in _marks(ast.parse(path.read_text()), place):
            found[row].add(f"{place}::{name}")
    return {row: sorted(names) for row, names in found.items()}


def contract_page() -> str:
    """The text of ``docs/contract.md``."""
    rows, tests = read_rows(), marked_tests()
    parts = ["# The contract\n", _INTRODUCTION, f"{sum(row.proved for row in rows)} of {len(rows)} rows are proved.\n"]
    for letter, title in _SECTIONS.items():
        parts.append(f"## {letter}: {title}\n\n| id | what must hold | proved by |\n| --- | --- | --- |")
        parts += [_line(row, tests.get(row.id, [])) for row in rows if row.id.startswith(letter)]
        parts.append("")
    return "\n".join(parts)


def _line(row: Row, tests: list[str]) -> str:
    files = sorted({test.partition("::")[0] for test in tests})
    links = ", ".join(f"[{Path(file).stem}](../{file})" for file in files)
    return f"| {row.id} | {row.text} | {links or 'not yet'} |"


def _marks(module: ast.Module, place: str) -> Iterator[tuple[str, str]]:
    """The name of each marked test, and its row. A mark of a class or of the module counts for all tests in it."""
    yield from _marks_below(module.body, _rows_of(_module_marks(module), place), place)


def _marks_below(body: list[ast.stmt], outer: list[str], place: str) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _marks_below(node.body, [*outer, *_rows_of(node.decorator_list, place)], place)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for row in [*outer, *_rows_of(node.decorator_list, place)]:
                yield node.name, row


def _module_marks(module: ast.Module) -> list[ast.expr]:
    return [
        node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)
    ]


def _rows_of(expressions: list[ast.expr], place: str) -> list[str]:
    calls = (node for expression in expressions for node in ast.walk(expression) if isinstance(node, ast.Call))
    return [_row_of(call, place) for call in calls if ast.unparse(call.func) == "pytest.mark.contract"]


def _row_of(call: ast.Call, place: str) -> str:
    match call.args:
        case [ast.Constant(value=str(row))]:
            return row
    raise MarkUnreadable(f"{place}:{call.lineno}: a contract mark names one row, as a plain text")
