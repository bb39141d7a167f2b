"""Deploying, releases, and going back."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from potions.model.deployment import Deployment, Release
from potions.model.history import DeploymentBrief


class DeploymentCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deploy a release that was sent, or (without one) the release that serves, with the variables saved now."""

    release: str | None = None


class ReleaseState(StrEnum):
    """What a release is to its app now."""

    SERVES = "serves"
    ROLLBACK = "rollback"
    """A rollback goes back to it."""
    KEPT = "kept"
    """It served once, and can be gone back to."""
    WAITING = "waiting"
    """A deployment of it runs or waits."""
    UNSERVED = "unserved"
    """Its archive is kept, but it never served."""
    PRUNED = "pruned"
    """Its archive could not be used, or made room for newer ones. Sent again, it is kept again under its label."""
    MISSING = "missing"
    """Its archive should be there, and somebody removed or changed it by hand."""


class ReleaseEntry(msgspec.Struct, frozen=True):
    """A line of ``potions releases``."""

    release: Release
    state: ReleaseState
    deployments: list[DeploymentBrief]
    """The newest first."""


class RollbackVariables(StrEnum):
    """Which variables a rollback runs with, besides the automatic ones, which are made anew."""

    THEN = "then"
    """Those that its target ran with."""
    CURRENT = "current"
    """Those that are saved now."""


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Go back: to what served directly before, or ``to`` a release (``r12``) or a deployment (``12``)."""

    to: str | None = None
    env: RollbackVariables = RollbackVariables.THEN


class RollbackWay(StrEnum):
    """What has to be done before the target can serve."""

    RUNNING = "running"
    """Nothing: the other slot runs it still."""
    HELD = "held"
    """It is started: the other slot holds it, built and ready."""
    UNPACK = "unpack"
    """Its archive is unpacked, and built again where it has a build."""


class RollbackPreview(msgspec.Struct, frozen=True):
    """What a rollback would do."""

    serves: Deployment
    target: Deployment
    way: RollbackWay
    builds: bool
    """It has a build, which runs again. Only with the way ``unpack``."""
    seconds: float | None
    """What unpacking and building took the last time; None where that is not known, or not needed."""
    variables: list[str]
    """Names of variables that change against what serves now. Saved ones stay as they are."""
    not_live: list[str]
    """Names of variables that are saved and not live afterwards, or removed and live again."""
