"""A deployment: one release with the variables it ran with, and how far it got."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from potions.layout import Colour
from potions.model.plan import RunPlan, Strategy
from potions.names import AppName, ReleaseId


class Status(StrEnum):
    """How far a deployment is. The last four are ends."""

    QUEUED = "queued"
    BUILDING = "building"
    DEPLOYING = "deploying"
    MIGRATING = "migrating"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled back"

    @property
    def ended(self) -> bool:
        return self in _ENDS

    @property
    def served(self) -> bool:
        """Whether the deployment took the traffic, now or once."""
        return self in {Status.SUCCEEDED, Status.ROLLED_BACK}


_ENDS = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.ROLLED_BACK})


class Kind(StrEnum):
    """What asked for the deployment."""

    DEPLOY = "deploy"
    REDEPLOY = "redeploy"
    ROLLBACK = "rollback"


class Release(msgspec.Struct, frozen=True):
    """An archive as it was sent, kept below the app's ``releases/``."""

    id: ReleaseId
    label: str
    """``r1``, ``r2``, … in the order of arrival, per app."""
    suffix: str
    """What kind of archive it is: one of ``archive_format.ARCHIVE_SUFFIXES``."""
    packed_bytes: int
    source: str
    """What it was sent as: a file's or a directory's name, for people."""
    received: datetime
    """When it was sent last."""
    files: int | None = None
    """Regular files in it; known once it was unpacked, as are their bytes."""
    unpacked_bytes: int | None = None


class Unpacked(msgspec.Struct, frozen=True):
    """What a release turned out to hold: regular files, and the bytes in them."""

    files: int
    bytes: int
    shadows: int = 0
    """Files that were left out, because macOS had put them beside others for itself."""


class Failure(msgspec.Struct, frozen=True):
    """Why a deployment failed, as the error told it."""

    code: str
    what: str
    why: str = ""
    do: str = ""


class Deployment(msgspec.Struct, frozen=True):
    """One entry of an app's history."""

    id: int
    app_id: int
    app: AppName
    number: int
    kind: Kind
    status: Status
    release: Release
    slot: Colour | None
    """The slot it goes to; unknown until its turn comes."""
    previous: int | None
    """The number of the deployment that served directly before it: what a rollback goes back to."""
    target: int | None
    """For a rollback: the number of the deployment it brings back."""
    by: str
    """Who asked: a system user's name."""
    created: datetime
    began: datetime | None = None
    ended: datetime | None = None
    draining: bool = False
    """It succeeded, and the slot before it still finishes its last requests."""
    standby_until: datetime | None = None
    """The slot before it is kept running until then, so that going back to it takes a moment."""
    strategy: Strategy | None = None
    """How its release wants to be followed; None until that was read."""
    failure: Failure | None = None


class SlotContent(msgspec.Struct, frozen=True):
    """What ``release.json`` says of a slot: the release it holds and the deployment that filled it last."""

    release: ReleaseId
    label: str
    deployment: int
    """The number of the deployment whose files and variables the slot runs with."""
    directory: str = ""
    """Where the release was unpacked and built. A build may know this path: under another one it does not run."""
    plan: RunPlan | None = None
    """How it is run, as its files said when they were unpacked: the app may write over them since."""
