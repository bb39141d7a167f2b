"""Records and a log that remember what the runner of flows told them, in order, and can be told to fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from potions.layout import Colour
from potions.model.deployment import Deployment, Failure, Kind, Release, Status
from potions.model.plan import Strategy
from potions.names import AppName, ReleaseId


@dataclass
class Remembered:
    """Everything that was told by both, as ``record ...`` and ``log ...``; what is in ``fails`` fails once instead."""

    told: list[str] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def tell(self, *words: object) -> None:
        said = " ".join(map(str, words))
        if said in self.fails:
            raise self.fails.pop(said)
        self.told.append(said)

    def of(self, kind: str) -> list[str]:
        """What was told to the ``log`` or to the ``record``."""
        return [said.removeprefix(f"{kind} ") for said in self.told if said.startswith(kind)]


class Log:
    """The log of a deployment."""

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered
        self.hidden: dict[str, str] = {}

    def status(self, status: Status) -> None:
        self._remembered.tell("log status", status.value)

    def began(self, step: str) -> None:
        self._remembered.tell("log began", step)

    def ended(self, step: str, seconds: float) -> None:
        assert seconds >= 0
        self._remembered.tell("log ended", step)

    def undone(self, step: str) -> None:
        self._remembered.tell("log undone", step)

    def note(self, text: str) -> None:
        self._remembered.tell("log note", text)

    def output(self, text: str) -> None:
        self._remembered.tell("log output", text)

    def progress(self, done: int, total: int) -> None:
        self._remembered.tell("log progress", done, total)

    def failed(self, step: str, failure: Failure) -> None:
        self._remembered.failures.append(failure)
        self._remembered.tell("log failed", step, failure.code)

    def hide(self, values: Mapping[str, str]) -> None:
        self.hidden = dict(values)


class Records:
    """The journal and the end of a deployment."""

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered

    def set_strategy(self, deployment_id: int, strategy: Strategy) -> None:
        self._tell(deployment_id, "strategy", strategy.value)

    def step_began(self, deployment_id: int, name: str, status: Status | None = None) -> None:
        self._tell(deployment_id, "began", name, *([status.value] if status else []))

    def step_ended_and_began(self, deployment_id: int, ended: str, began: str, status: Status | None = None) -> None:
        self._tell(deployment_id, "ended", ended, "began", began, *([status.value] if status else []))

    def step_ended(self, deployment_id: int, name: str) -> None:
        self._tell(deployment_id, "ended", name)

    def step_undone(self, deployment_id: int, name: str) -> None:
        self._tell(deployment_id, "undone", name)

    def succeed(self, deployment_id: int) -> None:
        self._tell(deployment_id, "succeeded")

    def fail(self, deployment_id: int, failure: Failure) -> None:
        self._tell(deployment_id, "failed", failure.code)

    def cancel(self, deployment_id: int) -> None:
        self._tell(deployment_id, "cancelled")

    def _tell(self, deployment_id: int, *words: object) -> None:
        assert deployment_id == DEPLOYMENT.id
        self._remembered.tell("record", *words)


RELEASE = Release(ReleaseId("a" * 64), "r3", "tar.gz", 100, "blog.tar.gz", datetime(2026, 1, 1, tzinfo=UTC))
DEPLOYMENT = Deployment(
    id=7,
    app_id=1,
    app=AppName("blog"),
    number=3,
    kind=Kind.DEPLOY,
    status=Status.QUEUED,
    release=RELEASE,
    slot=Colour.BLUE,
    previous=2,
    target=None,
    by="ana",
    created=datetime(2026, 1, 1, tzinfo=UTC),
)
