"""Reads and writes the text of a ``.env`` file. Nothing in it is expanded: a value arrives as it is written."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping

from dotenv.parser import Binding, parse_stream

from potions.errors import DotenvBroken, NameRefused
from potions.names import parse_env_name, parse_env_value

_LEADING_SPACE = re.compile(r"\s*")
_NEWLINE = re.compile(r"\r\n|\n|\r")

#: What every reader of such files, and every shell, takes as it is without quotes.
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*\Z")
#: In single quotes everything else is taken as it is, but for these: readers differ on what a backslash before a
#: quote or another backslash does, and some make a line feed of a carriage return.
_NOT_IN_SINGLE_QUOTES = re.compile(r"['\r]|\\(?=[\\']|\Z)")
#: What shells and some readers expand in double quotes.
_EXPANDED = re.compile(r"[$`]")


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the variables of a ``.env`` file; where a name is there twice, the last one counts.

    Raises DotenvBroken with the line that cannot be read, ReservedVariable for what only the platform sets, and
    VariableRefused for a value that no process can be given. No error shows a value.
    """
    variables: dict[str, str] = {}
    # newline="" keeps a lone carriage return what it is for the parser too: the end of a line.
    for binding in parse_stream(io.StringIO(text.removeprefix("\ufeff"), newline="")):
        line = _line_of(binding)
        if binding.error:
            raise DotenvBroken(
                f"Line {line} cannot be read.",
                why="It is not NAME=value, or a quote in it is never closed.",
                do="Nothing was changed. Correct the line and import the file again.",
            )
        if binding.key is not None:
            name = _read_name(binding.key, line)
            variables[name] = _read_value(name, binding.value, line)
    return variables


def format_dotenv(variables: Mapping[str, str], notes: Iterable[str] = ()) -> str:
    """Return a ``.env`` file that ``parse_dotenv`` reads back to the same variables, after a comment for each note.

    Other programs read the same, but for what ``read_differently`` names.
    """
    comments = (f"# {note}\n" for note in notes)
    return "".join([*comments, *(f"{name}={_quote(value)}\n" for name, value in variables.items())])


def read_differently(variables: Mapping[str, str]) -> list[str]:
    """Which values some other programs take for something else, however they are written."""
    return [name for name, value in variables.items() if not _is_read_alike(value)]


def _is_read_alike(value: str) -> bool:
    # python-dotenv expands ${NAME} in single quotes too, unless it is told not to.
    return "${" not in value and _quote(value) in (value, f"'{value}'", f'"{value}"')


def _quote(value: str) -> str:
    if _PLAIN.match(value):
        return value
    if not _NOT_IN_SINGLE_QUOTES.search(value):
        return f"'{value}'"
    if not _EXPANDED.search(value):
        return '"{}"'.format(re.sub(r'["\\]', r"\\\g<0>", value).replace("\r", "\\r"))
    # A shell would take this one for something else. No writing of it is left that does not, and is read back here.
    return "'{}'".format(re.sub(r"['\\]", r"\\\g<0>", value))


def _line_of(binding: Binding) -> int:
    """The line a binding's text is on: the parser counts from the blank lines before it."""
    original = binding.original
    leading = _LEADING_SPACE.match(original.string)
    return original.line + len(_NEWLINE.findall(leading[0] if leading else ""))


def _read_name(text: str, line: int) -> str:
    try:
        return parse_env_name(text, source=f"line {line}")
    except NameRefused as refused:
        # The name is not shown: in a broken file it can be the second line of somebody's private key.
        raise DotenvBroken(
            f"Line {line} does not begin with the name of a variable.",
            why=refused.why,
            do="A value of several lines has to be in quotes. Nothing was changed.",
        ) from None


def _read_value(name: str, value: str | None, line: int) -> str:
    if value is None:
        raise DotenvBroken(
            f"Line {line} has a name and no value.",
            why="A name without '=' says nothing about its value.",
            do="For an empty value write NAME= there. Nothing was changed.",
        )
    return parse_env_value(name, value)
