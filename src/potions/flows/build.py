"""The one-shots of a deploy: build and migrate, in the slot, as the app's user, under the supervisor.

They run under the supervisor and not below the agent, so that a restarted agent finds and stops them.
"""

from __future__ import annotations

import time

from potions.errors import BuildFailed, MigrationFailed, PotionsError, ShippedStorage
from potions.flows import slots
from potions.flows.output import OutputTail, tell_command
from potions.flows.run import SlotRun
from potions.model.deployment import Kind
from potions.model.plan import Shipped
from potions.model.service import Phase, task_service

_POLL = 0.05
BUILD = "build"
MIGRATE = "migrate"


def has_build(run: SlotRun) -> bool:
    return run.plan.build is not None


def has_migration(run: SlotRun) -> bool:
    """A rollback never migrates: the data has come further than the release it brings back."""
    return run.plan.migrate is not None and run.deployment.kind is not Kind.ROLLBACK


def build(run: SlotRun) -> None:
    """Run the build command; raises BuildFailed."""
    status = _run_task(run, BUILD, run.plan.build or "")
    if status != 0:
        raise BuildFailed(
            f"The build ended with exit status {status}.",
            why=tell_command(run, run.plan.build, status),
            do="Its output stands above. Mend it and deploy again.",
        )
    _refuse_another_storage(run)


def _refuse_another_storage(run: SlotRun) -> None:
    """What the app would write to a ``./storage`` that the build made would be gone with the next deploy."""
    try:
        run.world.trees.link_storage(run.tree, run.slot, Shipped.REFUSE)
    except ShippedStorage as error:
        raise BuildFailed(
            "The build put something else in the place of ./storage.",
            why=error.why,
            do="There is the persistent storage, which the build finds as a link. Have it leave that alone.",
        ) from error


def migrate(run: SlotRun) -> None:
    """Run the migration, while the release before still serves; raises MigrationFailed."""
    status = _run_task(run, MIGRATE, run.plan.migrate or "")
    if status != 0:
        raise MigrationFailed(
            f"The migration ended with exit status {status}.",
            why=tell_command(run, run.plan.migrate, status),
            do="Its output stands above. What it had done until then stays done; the old release serves on.",
        )


def stop_build(run: SlotRun) -> None:
    _stop_task(run, BUILD)


def stop_migration(run: SlotRun) -> None:
    _stop_task(run, MIGRATE)


def _run_task(run: SlotRun, name: str, command: str) -> int:
    """Run a one-shot to its end with its output in the log; returns the exit status."""
    service = run.task(name, command)
    tail = OutputTail(run, service.log_file)
    run.world.supervisor.install(service)
    run.world.supervisor.start(service.name)
    try:
        while run.world.supervisor.state(service.name).phase is Phase.RUNNING:
            run.stop_if_cancelled()
            tail.read()
            time.sleep(_POLL)
        status = run.world.supervisor.state(service.name).exit_status
    finally:
        tail.read(to_the_end=True)
        _stop_task(run, name)
    return 1 if status is None else status


def _stop_task(run: SlotRun, name: str) -> None:
    """End a one-shot with all it started, and forget it. A cancelled migration was never possible, so this is safe.

    Its own log goes too: the deployment's log has the same lines, without the values of variables that were printed.
    """
    run.world.supervisor.remove(task_service(run.app.name, run.slot, name))
    left = run.world.network.end_processes(run.tree, run.slot, slots.UNSERVED_GRACE)
    run.world.trees.discard_output(run.tree, run.tree.task_log(run.slot, name))
    if left:
        raise PotionsError(f"Processes of the {name} do not end: {sorted(left)}.")
