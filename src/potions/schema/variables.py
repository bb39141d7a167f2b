"""Changes of variables, and what they did."""

from __future__ import annotations

import msgspec


class VariablesChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Set and remove variables in one go: all of it or nothing. ``dotenv`` is the text of a ``.env`` file."""

    set: dict[str, str] = {}
    unset: list[str] = []
    dotenv: str | None = None
    replace: bool = False
    """Remove what a person had set and the file does not have. Automatic variables stay."""
    version: str = ""
    """That of a preview: where the variables were changed since, nothing is done."""

    def __repr__(self) -> str:
        return f"VariablesChange(set={sorted(self.set)}, unset={self.unset}, replace={self.replace})"


class VariablesChanged(msgspec.Struct, frozen=True):
    """What a change did, or would do. Names only; a value is never sent back."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: list[str]
    kept: list[str] = []
    """What it does not name, and leaves as it is."""
    version: str = ""
    """Of the saved variables, as they are now. Each write makes another one."""

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


class DotenvText(msgspec.Struct, frozen=True):
    """Saved variables as the text of a ``.env`` file."""

    text: str
    names: list[str]
    left_out: list[str]

    def __repr__(self) -> str:
        return f"DotenvText(names={self.names})"
