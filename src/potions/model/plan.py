"""How a release is run: what its manifest says, completed by what its files show."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from potions.model.service import Limits


class Shipped(StrEnum):
    """What to do with a ``storage`` that a release brings along and that holds files."""

    REFUSE = "refuse"
    DISCARD = "discard"
    SEED = "seed"
    """Copy only what storage does not have yet."""


class Strategy(StrEnum):
    """How one release follows another."""

    OVERLAP = "overlap"
    """Both run until the new one serves."""
    HANDOVER = "handover"
    """One writer: the proxy holds requests while the old one stops and the new one starts."""


class WorkerStart(StrEnum):
    """When a worker process is started."""

    AFTER_SWITCH = "after-switch"
    """Once its release serves."""
    WITH_WEB = "with-web"
    """Together with ``web``, before its release serves."""


class Process(msgspec.Struct, frozen=True):
    """What the manifest says of a worker process."""

    command: str | None = None
    """None where the Procfile has it."""
    start: WorkerStart = WorkerStart.AFTER_SWITCH
    optional: bool = False
    """Whether a deploy goes on if it does not stay up."""


class Worker(msgspec.Struct, frozen=True):
    """A process that runs beside ``web``, as it was decided."""

    name: str
    command: str
    start: WorkerStart = WorkerStart.AFTER_SWITCH
    optional: bool = False


#: Seconds that the old slot may take to finish its requests where nothing else is said. In a hand-over visitors wait
#: for it, and a WebSocket may never finish.
DRAIN = {Strategy.OVERLAP: 30.0, Strategy.HANDOVER: 5.0}


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
    console: str | None = None
    build: str | None = None
    health: Health = Health()
    strategy: Strategy = Strategy.OVERLAP
    drain: float = DRAIN[Strategy.OVERLAP]
    standby: float = 0.0
    """How long the old slot is kept running after it has drained."""
    stop_timeout: float = 30.0
    keep: int = 10
    shipped: Shipped = Shipped.REFUSE
    processes: dict[str, Process] = {}
    env: dict[str, str] = {}
    limits: Limits = Limits()


class ReleaseFiles(msgspec.Struct, frozen=True):
    """What was found in an unpacked release, as text: enough to plan with, and no more."""

    manifest: str | None = None
    procfile: str | None = None
    mix_name: str | None = None
    """The name of the Mix release: ``bin/<name>`` exists beside ``releases/start_erl.data``."""
    mix_migrate: bool = False
    """``bin/migrate`` exists and is executable."""
    lookalikes: list[str] = []
    """Files that a person may have meant for one of the above: ``procfile``."""


class RunPlan(msgspec.Struct, frozen=True):
    """What to run in a slot."""

    start: str
    migrate: str | None
    build: str | None
    erlang: bool
    """A Mix release: it gets a node name and an epmd."""
    workers: tuple[Worker, ...]
    manifest: Manifest

    def workers_that_start(self, when: WorkerStart) -> list[Worker]:
        return [worker for worker in self.workers if worker.start is when]
