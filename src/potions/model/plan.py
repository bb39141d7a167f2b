"""How a release is run: what its manifest says, completed by what its files show."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Shipped(StrEnum):
    """What to do with a ``storage`` that a release brings along and that holds files."""

    REFUSE = "refuse"
    DISCARD = "discard"
    SEED = "seed"
    """Copy only what storage does not have yet."""


class Health(msgspec.Struct, frozen=True):
    """When a slot counts as healthy. Without a path any answer below 500 at ``/`` does."""

    path: str | None = None
    lowest: int = 200
    highest: int = 399
    timeout: float = 60.0
    """Seconds."""


class Manifest(msgspec.Struct, frozen=True):
    """``potions.toml``, with every default filled in. Times are seconds."""

    app: str | None = None
    start: str | None = None
    migrate: str | None = None
    build: str | None = None
    health: Health = Health()
    drain: float = 30.0
    stop_timeout: float = 30.0
    keep: int = 10
    shipped: Shipped = Shipped.REFUSE
    env: dict[str, str] = {}


class ReleaseFiles(msgspec.Struct, frozen=True):
    """What was found in an unpacked release, as text: enough to plan with, and no more."""

    manifest: str | None = None
    procfile: str | None = None
    mix_name: str | None = None
    """The name of the Mix release: ``bin/<name>`` exists beside ``releases/start_erl.data``."""
    mix_migrate: bool = False
    """``bin/migrate`` exists and is executable."""


class RunPlan(msgspec.Struct, frozen=True):
    """What to run in a slot."""

    start: str
    migrate: str | None
    build: str | None
    erlang: bool
    """A Mix release: it gets a node name and the platform's epmd."""
    manifest: Manifest
