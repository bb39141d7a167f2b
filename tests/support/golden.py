"""Golden files: one file a case, its input above a line ``---`` and what must come out below.

``UPDATE_GOLDEN=1 pytest tests/unit`` writes what comes out now into the files; look at the difference before you keep
it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from potions.errors import PotionsError

_FOLDER = Path(__file__).parent.parent / "golden"
_LINE = "\n---\n"


def golden_cases(kind: str) -> list[str]:
    """The names of the cases of one kind, for ``parametrize``."""
    return sorted(path.stem for path in (_FOLDER / kind).glob("*.txt"))


def check_golden(kind: str, case: str, render: Callable[[str], str]) -> None:
    """Compare what ``render`` makes of the input with what the file expects, an error's code and text included."""
    path = _FOLDER / kind / f"{case}.txt"
    given, _, expected = path.read_text().partition(_LINE)
    found = _outcome(given, render)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(given + _LINE + found)
    else:
        assert found == expected


def _outcome(given: str, render: Callable[[str], str]) -> str:
    try:
        text = render(given + "\n")
    except PotionsError as error:
        text = f"error {error.code}\n{error}"
    return text.removesuffix("\n") + "\n"
