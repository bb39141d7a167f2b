"""The contract says of each row whether it is proved, and the marks of the tests say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.contract import MarkUnreadable, Row, marked_tests, read_rows

ROWS = read_rows()
MARKED = marked_tests()


def test_every_row_is_there_once() -> None:
    """An id names one promise, numbered without a hole: S1 to S16, P1 to P18, B1 to B15."""
    expected = [
        f"{letter}{number + 1}" for letter, count in (("S", 16), ("P", 18), ("B", 15)) for number in range(count)
    ]
    assert [row.id for row in ROWS] == expected


def test_marks_name_rows_that_exist() -> None:
    """A mark with a misspelt row would prove nothing."""
    unknown = {row: tests for row, tests in MARKED.items() if row not in {row.id for row in ROWS}}
    assert not unknown


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_proved_if_and_only_if_tests_carry_its_mark(row: Row) -> None:
    """Nobody claims what no test shows, and nobody forgets to claim it."""
    tests = MARKED.get(row.id, [])
    if tests:
        told = f"{row.id} has tests ({', '.join(tests)}): write proved = true in docs/contract.toml"
    else:
        told = f"no test carries the mark of {row.id}: write proved = false in docs/contract.toml"
    assert row.proved == bool(tests), told


SOURCE = """
import pytest
pytestmark = pytest.mark.contract("S1")

@pytest.mark.contract("S2")
class TestGroup:
    @pytest.mark.contract("S3")
    async def test_in_a_class(self): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.contract("S4"))])
def test_of_a_case(x): ...

@pytest.mark.contract("S5")
def helper(): ...
"""


def test_marks_are_found_wherever_pytest_takes_them(tmp_path: Path) -> None:
    """On a function, a class, the whole module, or one case of it; on what is no test they count for nothing."""
    folder = tmp_path / "tests" / "deep"
    folder.mkdir(parents=True)
    (folder / "test_marks.py").write_text(SOURCE)
    inside, case = (f"tests/deep/test_marks.py::{name}" for name in ("test_in_a_class", "test_of_a_case"))
    assert marked_tests(tmp_path / "tests") == {"S1": [inside, case], "S2": [inside], "S3": [inside], "S4": [case]}


def test_a_mark_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A computed row, or several in one mark, would be lost without a word."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_marks.py").write_text('@pytest.mark.contract("S1", "S2")\ndef test_two(): ...\n')
    with pytest.raises(MarkUnreadable, match=r"test_marks.py:1"):
        marked_tests(folder)
