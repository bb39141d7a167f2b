"""A .env file is read as it is written, and written as it is read; it smuggles nothing in."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from potions.dotenv import format_dotenv, parse_dotenv, read_differently
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


# Writing

#: What quoting is about, more often than chance would have it.
_AWKWARD = st.sampled_from(
    ["'", '"', "\\", "$", "`", "#", "\n", "\r", "\r\n", " ", "=", "\\n", "\\'", "${A}", "\t", "\u2028"]
)
_VALUES = st.lists(
    _AWKWARD | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
).map("".join)
_NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z").filter(lambda name: name != "PORT")


@settings(deadline=None)
@given(st.dictionaries(_NAMES, _VALUES, max_size=8), st.lists(st.sampled_from(["A='", "it's", ""])))
@example({"export": "1", "A": "'"}, [])
@example({"A": "\\", "B": "'"}, ["A=1"])
def test_what_was_written_is_read_back(variables: dict[str, str], notes: list[str]) -> None:
    """Byte for byte and in their order, whatever the values are; notes stay notes. The parser's own library agrees."""
    text = format_dotenv(variables, notes)
    assert list(parse_dotenv(text).items()) == list(variables.items())
    assert dotenv_values(stream=io.StringIO(text, newline=""), interpolate=False) == variables


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.from_regex(r"\AX_[A-Z]{1,8}\Z"), _VALUES, min_size=20))
def test_a_shell_reads_the_same(variables: dict[str, str]) -> None:
    """Nothing of a value is run or expanded, but for those that are named as read differently."""
    alike = {name: value for name, value in variables.items() if name not in read_differently(variables)}
    assert _sourced(format_dotenv(alike)) == alike


def test_a_shell_runs_nothing_that_stands_in_quotes(tmp_path: Path) -> None:
    """Not even where a value was made to break out of them."""
    owned = tmp_path / "owned"
    values = {
        "A": f"'; touch {owned}; echo '",
        "B": f'"; touch {owned}; echo "',
        "C": f"$(touch {owned}) `touch {owned}`",
        "D": f"\ntouch {owned}\n",
    }
    assert read_differently(values) == []
    assert _sourced(format_dotenv(values)) == values
    assert not owned.exists()


def _sourced(text: str) -> dict[str, str]:
    """What a shell that reads it has in its environment afterwards."""
    script = "set -a; . /dev/stdin; exec env -0"
    done = subprocess.run(["sh", "-c", script], input=text.encode(), capture_output=True, env={}, check=True)
    assert done.stderr == b""
    found = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    return {name: value for name, value in found.items() if name not in {"PWD", "OLDPWD", "SHLVL", "_"}}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "A="),
        ("postgres://u:p@host:5432/db", "A=postgres://u:p@host:5432/db"),
        ("two words", "A='two words'"),
        ("a#b", "A='a#b'"),
        ("$HOME `x`", "A='$HOME `x`'"),
        ("C:\\new", "A='C:\\new'"),
        ("one\ntwo", "A='one\ntwo'"),
        ("it's", 'A="it\'s"'),
        ("C:\\", 'A="C:\\\\"'),
        ("a\r\nb", 'A="a\\r\nb"'),
        ('it\'s "$5"', "A='it\\'s \"$5\"'"),
    ],
)
def test_the_plainest_quotes_that_do_are_taken(value: str, line: str) -> None:
    """None where no reader needs any, then single ones, in which nothing is expanded by anybody."""
    assert format_dotenv({"A": value}) == f"{line}\n"


def test_what_others_read_differently_is_named() -> None:
    """What has to be escaped, and what python-dotenv expands in every kind of quotes."""
    values = {
        "PLAIN": "a",
        "SPACE": "a b",
        "IT": "it's",
        "BOTH": "it's $5",
        "END": "C:\\",
        "BRACES": "${HOME}",
        "CR": "\r",
    }
    assert read_differently(values) == ["BOTH", "END", "BRACES", "CR"]
