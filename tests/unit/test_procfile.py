"""A Procfile's web and release lines are read; any other line is refused."""

from __future__ import annotations

import msgspec
import pytest

from potions.errors import ProcfileRefused
from potions.model.planning import Procfile
from potions.procfile import parse_procfile
from support.golden import check_golden, golden_cases


def _render(text: str) -> str:
    return msgspec.json.format(msgspec.json.encode(parse_procfile(text)), indent=2).decode()


@pytest.mark.parametrize("case", golden_cases("procfile"))
def test_a_procfile_is_read_as_its_golden_file_says(case: str) -> None:
    """Commands are kept as they are written, and every mistake is told with its line."""
    check_golden("procfile", case, _render)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_understood(newline: str) -> None:
    """A Procfile from another system works, also with a byte order mark."""
    assert parse_procfile(f"\ufeffweb: a{newline}{newline}release: b{newline}") == Procfile(web="a", release="b")


def test_a_command_with_a_nul_is_refused() -> None:
    """No shell can be given one."""
    with pytest.raises(ProcfileRefused, match="line 1"):
        parse_procfile("web: a\0b")
