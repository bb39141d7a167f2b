"""The runner: a flow is a list of named steps, each with its undo, and one marked point of no return.

Every step is journaled when it begins and when it ends. A failure before the flow is sure undoes what began, last
first. After a crash of the platform the same journal says what to do: before the point of no return undo, after it go
on. Which side it is on is read from ``.live``, never from memory.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from potions.errors import DeployCancelled, InternalError, NoRoom, PotionsError
from potions.flows.ports import Log, Records
from potions.model.deployment import Deployment, Failure, Status

RunT = TypeVar("RunT", bound="Run")

_FULL = (errno.ENOSPC, errno.EDQUOT)


def _always(_run: object) -> bool:
    return True


@dataclass(frozen=True)
class Step(Generic[RunT]):
    """One named step. ``undo`` must be right from any point its ``do`` got to, also when run twice."""

    name: str
    do: Callable[[RunT], None]
    undo: Callable[[RunT], None] | None = None
    status: Callable[[RunT], Status] | Status | None = None
    """The deployment's status from this step on; a function where it depends on what the release needs."""
    when: Callable[[RunT], bool] = _always
    cancellable: bool = True


class PointOfNoReturn(Step[RunT]):
    """The step after which a crash is answered by going on. A failure still undoes, until the flow is sure."""


@dataclass(frozen=True)
class Flow(Generic[RunT]):
    """``steps`` make the deployment succeed or leave everything as it was; ``after`` tidies up behind a success."""

    steps: Sequence[Step[RunT]]
    after: Sequence[Step[RunT]] = ()

    def checkpoints(self) -> list[str]:
        """Every point at which a crash is worth a test: before and behind each step, and behind each undo."""
        every = [*self.steps, *self.after]
        on_the_way = [f"{step.name}:{moment}" for step in every for moment in ("began", "done")]
        return on_the_way + [f"{step.name}:undone" for step in reversed(self.steps) if step.undo is not None]


@dataclass
class Run:
    """One deployment on its way: what steps share. Rebuilt from the store after a crash, so it holds no truth."""

    deployment: Deployment
    log: Log
    records: Records
    cancelled: Callable[[], bool] = field(default=lambda: False)
    """Whether somebody cancelled it."""
    forbid_cancel: Callable[[bool], bool] = field(default=lambda _forbid: True)
    """Ask for the right not to be cancelled from here on; False where a cancel came first."""
    checkpoint: Callable[[str], None] = field(default=lambda _name: None)
    """Told each point of the flow; tests kill the process there."""

    def tidied(self) -> None:
        """Told when all is done that comes behind a success."""

    def stop_if_cancelled(self) -> None:
        """Raise DeployCancelled if somebody cancelled this deployment."""
        if self.cancelled():
            raise DeployCancelled("The deployment was cancelled.")


def perform(flow: Flow[RunT], run: RunT) -> bool:
    """Run a flow's steps. True if it succeeded; a failure is undone, recorded and answered with False."""
    return _carry_out(flow.steps, run)


def resume(flow: Flow[RunT], run: RunT, began: Sequence[str]) -> bool:
    """Go on after a crash that came behind the point of no return, from that point. ``began`` is from the journal."""
    steps = list(flow.steps)
    start = next(index for index, step in enumerate(steps) if isinstance(step, PointOfNoReturn))
    return _carry_out(steps[start:], run, before=[step for step in steps[:start] if step.name in began])


def undo_crashed(flow: Flow[RunT], run: RunT, began: Sequence[str], error: PotionsError) -> None:
    """Undo what a crash left, last first, and tell and record ``error`` as the reason."""
    _give_up([step for step in flow.steps if step.name in began], run, error)


def finish(flow: Flow[RunT], run: RunT) -> None:
    """Run what comes behind a success. A failure here changes nothing that serves: it is told, and the rest goes on."""
    failures = _Failures(run)
    for step in flow.after:
        with failures.told_of(step):
            if step.when(run):
                _do(step, run)
    if not failures.any:
        run.tidied()
    failures.raise_mistake()


def failure_of(error: PotionsError) -> Failure:
    """An error as it is kept and shown."""
    return Failure(code=error.code, what=error.what, why=error.why, do=error.do)


def _carry_out(steps: Sequence[Step[RunT]], run: RunT, before: Sequence[Step[RunT]] = ()) -> bool:
    began: list[Step[RunT]] = list(before)
    last: Step[RunT] | None = None
    try:
        for step in steps:
            if step.when(run):
                _enter(step, run, last)
                began.append(step)
                last = step
                _do(step, run)
        # The log first, here and at every other end: whoever follows it leaves when the record says that it is over.
        run.log.status(Status.SUCCEEDED)
        run.records.succeed(run.deployment.id)
    except Exception as error:
        # A mistake of ours must not leave an app half deployed either; it is undone like any failure, and told as one.
        _give_up(began, run, _as_told(error))
        if _is_mistake(error):
            raise
        return False
    return True


def _enter(step: Step[RunT], run: RunT, last: Step[RunT] | None) -> None:
    """Journal that the step begins, that the last one ended, and the status from here on: one write for all of it."""
    if not step.cancellable and not run.forbid_cancel(True):
        raise DeployCancelled("The deployment was cancelled.")
    run.stop_if_cancelled()
    if step.cancellable:
        run.forbid_cancel(False)
    status = step.status if step.status is None or isinstance(step.status, Status) else step.status(run)
    if last is None:
        run.records.step_began(run.deployment.id, step.name, status)
    else:
        run.records.step_ended_and_began(run.deployment.id, last.name, step.name, status)
    if status is not None:
        run.log.status(status)


def _do(step: Step[RunT], run: RunT) -> None:
    run.checkpoint(f"{step.name}:began")
    started = time.monotonic()
    run.log.began(step.name)
    step.do(run)
    run.log.ended(step.name, time.monotonic() - started)
    run.checkpoint(f"{step.name}:done")


def _give_up(began: Sequence[Step[RunT]], run: RunT, error: PotionsError) -> None:
    step = began[-1].name if began else ""
    run.log.failed(step, failure_of(error))
    _undo(began, run, error)


def _undo(began: Sequence[Step[RunT]], run: RunT, error: PotionsError) -> None:
    """Undo every step, last first, and record ``error``. One that cannot be undone does not keep the others from it."""
    failures = _Failures(run)
    for step in reversed(began):
        if step.undo is not None:
            with failures.told_of(step):
                step.undo(run)
                run.log.undone(step.name)
                run.checkpoint(f"{step.name}:undone")
                run.records.step_undone(run.deployment.id, step.name)
    _record_failure(run, error)
    failures.raise_mistake()


def _record_failure(run: Run, error: PotionsError) -> None:
    """Raises ``error`` itself where that cannot be written: whoever began the flow goes on trying."""
    try:
        _record(run, error)
    except PotionsError:
        raise error from None


def _record(run: Run, error: PotionsError) -> None:
    if isinstance(error, DeployCancelled):
        run.log.status(Status.CANCELLED)
        run.records.cancel(run.deployment.id)
    else:
        run.log.status(Status.FAILED)
        run.records.fail(run.deployment.id, failure_of(error))


class _Failures:
    """Failures of steps that come one after another whatever happens: told in the log, and the next step follows."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._mistake: Exception | None = None
        self.any = False

    @contextmanager
    def told_of(self, step: Step[RunT]) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.any = True
            self._mistake = self._mistake or (error if _is_mistake(error) else None)
            self._run.log.failed(step.name, failure_of(_as_told(error)))

    def raise_mistake(self) -> None:
        """Raise the first one that nobody had thought of, so that its trace is kept."""
        if self._mistake is not None:
            raise self._mistake


def _is_mistake(error: Exception) -> bool:
    """Whether it is one that nobody had thought of."""
    return not isinstance(error, PotionsError) and not _is_full_disk(error)


def _is_full_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _as_told(error: Exception) -> PotionsError:
    """An exception as a person is told of it."""
    if isinstance(error, PotionsError):
        return error
    if _is_full_disk(error):
        return NoRoom("The disk ran full.", why=str(error), do="Make room, then deploy again.")
    return InternalError("Potions made a mistake.", why=f"{type(error).__name__}: {error}")
