"""Apps, their slots, and the trash."""

from __future__ import annotations

from datetime import datetime

import msgspec

from potions.layout import Colour
from potions.model.deployment import Deployment
from potions.model.plan import Strategy
from potions.model.run_settings import Setting, WorkerSetting
from potions.model.service import Phase
from potions.model.stored import StorageSample
from potions.schema.domains import LostDomain


class AppCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Make an app. ``name`` is parsed by the agent, so that its error says the rule."""

    name: str


class Deployed(msgspec.Struct, frozen=True):
    """What a slot holds."""

    number: int
    label: str
    at: datetime | None


class AppSummary(msgspec.Struct, frozen=True):
    """A line of ``potions apps list``."""

    name: str
    address: str
    """Where people find it; empty on a server while it has no domain."""
    serves: Deployed | None
    """None while nothing was deployed."""
    live: Colour
    state: str
    """``empty``, ``running``, ``starting`` (it runs, and does not listen yet), ``stopped``, ``stopping``, ``crashing``,
    ``crashed``, ``down``, ``gone`` (its folder was removed by hand), or ``damaged`` (a file by which Potions knows its
    slots was)."""
    created: datetime
    strategy: Strategy | None = None
    """How what serves wants to be followed; None while nothing was deployed."""
    storage_bytes: int | None = None
    """What its storage held when it was measured last; None where it never was, or is gone."""
    trend: list[StorageSample] = []
    """What it held in the last 30 days, or since it is measured: at most 24 moments, the oldest first."""
    in_flight: int = 0
    """Requests that both slots together still answer."""
    failed: int | None = None
    """The number of the newest deployment, where that failed: what serves is older than what was meant to."""


class ProcessDetail(msgspec.Struct, frozen=True):
    """A worker of a slot."""

    name: str
    phase: Phase
    pid: int
    memory_bytes: int


class SlotDetail(msgspec.Struct, frozen=True):
    """One slot."""

    colour: Colour
    port: int
    phase: Phase
    live: bool
    draining: bool
    holds: Deployed | None
    pid: int
    in_flight: int
    memory_bytes: int
    """Of everything that runs in the slot, workers included."""
    exits: int = 0
    """How often it ended by itself in the last 10 minutes; 0 for one that does not run."""
    standby_until: datetime | None = None
    """It served before, and is kept running until then: a rollback to it takes a moment."""
    workers: list[ProcessDetail] = []


class AppDetail(msgspec.Struct, frozen=True):
    """Everything about an app on one page."""

    summary: AppSummary
    directory: str
    storage: str
    storage_bytes: int | None
    storage_files: int | None
    """What the storage held when it was measured last; None where it never was."""
    slots: list[SlotDetail]
    last: Deployment | None
    running: Deployment | None
    """The deployment that runs or waits now."""
    rollback_to: Deployment | None
    unsaved: int = 0
    """Variables that are saved but not live, or removed and still live."""
    storage_measured: datetime | None = None
    """When that was."""
    lost_domains: list[LostDomain] = []
    """Domains that another app took while this one was deleted."""


class AppSettings(msgspec.Struct, frozen=True):
    """How the release that serves is run. Without settings where it was deployed by a Potions that kept none."""

    release: str | None
    """Its label; None while nothing was deployed."""
    settings: list[Setting] = []
    workers: list[WorkerSetting] = []
    variables: list[str] = []
    """Names of the variables that its ``[env]`` has defaults for."""


class Removal(msgspec.Struct, frozen=True):
    """What deleting an app took away, or would take away."""

    name: str
    storage_bytes: int
    storage_files: int
    total_bytes: int
    total_files: int
    restorable_until: datetime | None
    """None for a purge, and for an app whose directory was gone."""


class TrashEntry(msgspec.Struct, frozen=True):
    """A deleted app that can be brought back."""

    name: str
    deleted: datetime
    restorable_until: datetime
    total_bytes: int
    total_files: int


class RestoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bring a deleted app back, under its old name or another one."""

    new_name: str | None = None
