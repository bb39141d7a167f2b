"""A .env file is read as it is written, and smuggles nothing in."""

from __future__ import annotations

import pytest

from potions.dotenv import parse_dotenv
from potions.errors import DotenvBroken, PotionsError, ReservedVariable, VariableRefused


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        ("# only a comment\n\n", {}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\rB=2", {"A": "1", "B": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("  A = 1  # why", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=a#b", {"A": "a#b"}),
        ("A='$B ${B}'\nB=$A ${A}", {"A": "$B ${B}", "B": "$A ${A}"}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ('A="one\\ntwo \\"x\\""', {"A": 'one\ntwo "x"'}),
        ("A='one\\ntwo'", {"A": "one\\ntwo"}),
        ("A=grün 🌿", {"A": "grün 🌿"}),
    ],
)
def test_a_file_is_read_as_it_is_written(text: str, variables: dict[str, str]) -> None:
    """Line ends of every kind, quotes and comments are understood; nothing is expanded; the last of a name counts."""
    assert parse_dotenv(text) == variables


@pytest.mark.parametrize(
    "text",
    [
        "STORAGE_DIR=x",
        "A=1\nSTORAGE_DIR=x",
        "A=1\r\nSTORAGE_DIR=x",
        "A=1\rSTORAGE_DIR=x",
        "export STORAGE_DIR=x",
        "export\tSTORAGE_DIR=x",
        "   STORAGE_DIR=x",
        "\t\tSTORAGE_DIR = x",
        "\ufeffSTORAGE_DIR=x",
        "'STORAGE_DIR'=x",
        "export 'STORAGE_DIR'=x",
        "STORAGE_DIR=",
        "STORAGE_DIR='x'",
        'STORAGE_DIR="x\ny"',
        "\u2028STORAGE_DIR=x",
        "\x0bSTORAGE_DIR=x",
        "\x85STORAGE_DIR=x",
        "A='1'\nSTORAGE_DIR=x",
        "A='1' # it's\nSTORAGE_DIR=x",
        'A="1\\\\"\nSTORAGE_DIR=x',
        "STORAGE_DIR=x\nSTORAGE_DIR",
        "PORT=1",
        "POTIONS_APP=x",
    ],
)
def test_a_reserved_name_is_refused_however_it_is_written(text: str) -> None:
    """Quotes, blanks, line ends and export do not hide the name of a locked variable."""
    with pytest.raises(ReservedVariable, match="line"):
        parse_dotenv(text)


@pytest.mark.parametrize(
    "text",
    [
        '"STORAGE_DIR"=x',
        "STORAGE_DIR",
        "export STORAGE_DIR",
        "STORAGE_DIR: x",
        "A='1' STORAGE_DIR=x",
        'A="1"STORAGE_DIR=x',
        'A="1\nSTORAGE_DIR=x',
        "A='1\nSTORAGE_DIR=x\n",
        "'STORAGE_DIR\n'=x",
        "' STORAGE_DIR'=x",
        "'export STORAGE_DIR'=x",
        "STORAGE_DIR\0=x",
        "export export STORAGE_DIR=x",
        "set STORAGE_DIR=x",
        "STORAGE_DIR#=x",
        "STORAGE_DIR+=x",
        "=x",
    ],
)
def test_what_is_no_assignment_is_refused_and_not_skipped(text: str) -> None:
    """A line that is not understood refuses the whole file, so that half of one is never imported."""
    with pytest.raises(PotionsError) as refused:
        parse_dotenv(text)
    assert isinstance(refused.value, DotenvBroken | ReservedVariable)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('A="1\nSTORAGE_DIR=x"', "1\nSTORAGE_DIR=x"),
        ('A="1\\nSTORAGE_DIR=x"', "1\nSTORAGE_DIR=x"),
        ("A='1\r\nexport STORAGE_DIR=x\n'", "1\r\nexport STORAGE_DIR=x\n"),
        ("A=1 STORAGE_DIR=x", "1 STORAGE_DIR=x"),
        ("A=1;STORAGE_DIR=x", "1;STORAGE_DIR=x"),
        ("A=1\u2028STORAGE_DIR=x", "1\u2028STORAGE_DIR=x"),
        ("A=1\\\nB=2", "1\\"),
    ],
)
def test_a_name_inside_a_value_stays_inside_it(text: str, value: str) -> None:
    """A crafted value is one value, with no second variable in it."""
    found = parse_dotenv(text)
    assert found["A"] == value
    assert "STORAGE_DIR" not in found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nB", 2),
        ("\n\n\nB", 4),
        ("A=1\r\n\r\n!", 3),
        ('A="x\ny"\nB', 3),
        ('A=1\nB="never closed', 2),
        ("A=1\n\n1B=2", 3),
    ],
)
def test_a_broken_line_is_told_by_its_number(text: str, line: int) -> None:
    """The number is the one an editor shows."""
    with pytest.raises(DotenvBroken, match=rf"Line {line} "):
        parse_dotenv(text)


@pytest.mark.parametrize("text", ["s3cr3t/key==", "s3cr3t", 'A="s3cr3t', "A='1' s3cr3t", "A=s3cr3t\0"])
def test_no_error_shows_what_may_be_a_value(text: str) -> None:
    """A line of somebody's private key does not end up in a terminal's history or a log."""
    with pytest.raises(PotionsError) as refused:
        parse_dotenv(text)
    assert "s3cr3t" not in str(refused.value)


def test_a_value_that_no_process_can_carry_is_refused() -> None:
    """More than 100 kB, or a NUL."""
    assert len(parse_dotenv("A=" + "x" * 102_400)["A"]) == 102_400
    for value in ("x" * 102_401, "a\0b"):
        with pytest.raises(VariableRefused):
            parse_dotenv(f"A={value}")
