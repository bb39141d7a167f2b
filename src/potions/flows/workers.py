"""Workers: the processes beside ``web``. They start with their slot and end before it does."""

from __future__ import annotations

import time

from potions.errors import WorkerExited
from potions.flows.output import PRINTED_ABOVE, begin_output, tell_command, tell_last_lines
from potions.flows.run import SlotRun, stop_timeout_of
from potions.layout import Colour
from potions.model.plan import Worker, WorkerStart
from potions.model.service import Phase, ServiceState, worker_service, worker_services

_POLL = 0.05
#: Seconds that a worker has to run before it counts as up: most of what ends at once has ended by then (a missing
#: module, a queue that refuses the connection). Nobody waits for it: the new release serves already.
SETTLED = 3.0
#: The same before the switch, where in a hand-over visitors wait.
BEFORE_SWITCH = 1.0


def has_workers(run: SlotRun) -> bool:
    return bool(run.plan.workers)


def has_old_workers(run: SlotRun) -> bool:
    """Whether the slot that served before has any."""
    return bool(worker_services(run.world.supervisor.states(), run.app.name, run.other))


def install_workers(run: SlotRun, epmd_port: int | None) -> None:
    """Make the slot's workers known, and no other: those of what it held before are forgotten."""
    wanted = [run.worker(worker, epmd_port) for worker in run.plan.workers]
    names = {service.name for service in wanted}
    for stale in worker_services(run.world.supervisor.states(), run.app.name, run.slot):
        if stale not in names:
            run.world.supervisor.remove(stale)
    for service in wanted:
        run.world.supervisor.install(service)


def start_with_web(run: SlotRun) -> None:
    """Start those that do not wait for the switch."""
    for worker in run.plan.workers_that_start(WorkerStart.WITH_WEB):
        _start(run, worker)


def start_every_worker(run: SlotRun) -> None:
    """Start all of them, without waiting until they are up."""
    for worker in run.plan.workers:
        _start(run, worker)


def start_workers(run: SlotRun) -> None:
    """Start those that do not run yet, and see that every worker stays up; raises WorkerExited.

    In a slot that stood by none runs, not even one that starts with ``web``: they ended when the slot was left.
    """
    for worker in run.plan.workers:
        if worker.name not in run.output_start:
            _start(run, worker)
    _watch(run, list(run.plan.workers), SETTLED)


def refuse_an_ended_worker(run: SlotRun) -> None:
    """Raise WorkerExited where one that started with ``web`` has ended since: its release is not switched to."""
    needed = [one for one in run.plan.workers_that_start(WorkerStart.WITH_WEB) if not one.optional]
    _watch(run, needed, BEFORE_SWITCH)


def stop_workers(run: SlotRun) -> None:
    """End the slot's own workers, after a failure."""
    end_workers(run, run.slot, run.plan.manifest.stop_timeout)


def stop_old_workers(run: SlotRun) -> None:
    """End those of the slot that served before: from here on only the new release works."""
    end_workers(run, run.other, stop_timeout_of(run.world, run.tree, run.other))


def end_workers(run: SlotRun, colour: Colour, grace: float) -> None:
    """Stop every worker of a slot, all at once."""
    names = worker_services(run.world.supervisor.states(), run.app.name, colour)
    if names:
        run.world.supervisor.stop(names, grace, cut_short=run.hurried)


def _start(run: SlotRun, worker: Worker) -> None:
    begin_output(run, worker.name)
    run.world.supervisor.start(_service(run, worker))


def _service(run: SlotRun, worker: Worker) -> str:
    return worker_service(run.app.name, run.slot, worker.name)


def _watch(run: SlotRun, workers: list[Worker], settled: float) -> None:
    """Wait until each has run for so many seconds; one that ends or is started again has failed."""
    pids: dict[str, int] = {}
    while workers:
        states = run.world.supervisor.states()
        for worker in list(workers):
            state = states.get(_service(run, worker))
            if (
                state is None
                or state.phase is not Phase.RUNNING
                or pids.setdefault(worker.name, state.pid) != state.pid
            ):
                _fail_unless_optional(run, worker, state)
                workers.remove(worker)
            elif time.time() - state.since >= settled:
                workers.remove(worker)
        if workers:
            time.sleep(_POLL)


def _fail_unless_optional(run: SlotRun, worker: Worker, state: ServiceState | None) -> None:
    error = _exited(run, worker, state)
    if not worker.optional:
        raise error
    run.log.note(f"{error.what} It is optional, so the deploy goes on; it is started again and again.")


def _exited(run: SlotRun, worker: Worker, state: ServiceState | None) -> WorkerExited:
    tell_last_lines(run, worker.name)
    status = "" if state is None or state.exit_status is None else f" with exit status {state.exit_status}"
    return WorkerExited(
        f"The worker {worker.name} ended{status} while it was checked.",
        why=tell_command(run, worker.command, None if state is None else state.exit_status),
        do=f"{PRINTED_ABOVE} A worker has to go on running; "
        f"set optional = true below [processes.{worker.name}] for one that may be down.",
    )
