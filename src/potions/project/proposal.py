"""What a ``potions.toml`` for a project would say, and what its owner has to know beside it."""

from __future__ import annotations

import msgspec


class Setting(msgspec.Struct, frozen=True):
    """A key and the comment above it. What could not be found out has an example instead of a value."""

    value: tuple[str, ...] = ()
    """A text; of a command its steps, each of which runs only if the one before it went well."""
    why: str = ""
    example: str = ""
    """What it could look like, where there is no value: written as a comment."""


class Proposal(msgspec.Struct, frozen=True):
    """What was found out about a project."""

    framework: str
    """``Django``; for people."""
    evidence: tuple[str, ...] = ()
    """By what it was told: files, and words in them."""
    build: Setting = Setting()
    start: Setting = Setting()
    migrate: Setting = Setting()
    starts_by_itself: bool = False
    """Whether a release says elsewhere how it is started."""
    env: dict[str, str] = {}
    manifest: str = "potions.toml"
    """Where the file belongs, so that a release has it at its top."""
    notes: tuple[str, ...] = ()
    """What its owner has to know or to do, a sentence or two each."""
    fallback: str = ""
    """The line by which a program of this kind finds its storage, also where Potions is not."""
    deploy: str = "."
    """What `potions deploy` is given."""
