"""Which program is an app's console: the manifest's, or what its files show."""

from __future__ import annotations

import msgspec


class ConsoleMarks(msgspec.Struct, frozen=True):
    """What was found at the top of a slot that says what kind of project runs there."""

    mix_name: str | None = None
    """The name of the Mix release."""
    rails: bool = False
    """``bin/rails`` is there."""
    django: bool = False
    """``manage.py`` is there."""
    python: bool = False
    """A file that only Python projects have."""
    node: bool = False
    """``package.json`` is there."""
    environment: str | None = None
    """The folder of a virtual environment: ``.venv``."""


class Console(msgspec.Struct, frozen=True):
    """A console: what it is, for people, and its words."""

    kind: str
    argv: tuple[str, ...]


def choose_console(said: str | None, marks: ConsoleMarks) -> Console:
    """What the manifest says (text for /bin/sh), else the first kind that the files show, else a shell."""
    if said is not None:
        return Console("[run] console of potions.toml", ("/bin/sh", "-c", said))
    python = "python" if marks.environment else "python3"
    if marks.mix_name is not None:
        return Console("Mix release", (f"bin/{marks.mix_name}", "remote"))
    if marks.rails:
        return Console("Rails", ("bin/rails", "console"))
    if marks.django:
        return Console("Django", (python, "manage.py", "shell"))
    if marks.python or marks.environment:
        return Console("Python", (python,))
    if marks.node:
        return Console("Node", ("node",))
    return Console("shell", ("/bin/sh",))
