"""One writer: the old slot stops before the new one starts, while the proxy holds requests (see ``holding``)."""

from __future__ import annotations

from potions.flows import slots, switch, workers
from potions.flows.run import SlotRun, stop_timeout_of
from potions.flows.verify import verify_slot


def is_handover(run: SlotRun) -> bool:
    return run.is_handover


def stop_old_slot(run: SlotRun) -> None:
    """Let it finish what is in flight, then end all of it."""
    workers.stop_old_workers(run)
    switch.wait_until_idle(run, run.other, run.hold_drain)
    slots.end_slot(run, run.other, grace=stop_timeout_of(run.world, run.tree, run.other))


def start_old_slot(run: SlotRun) -> None:
    """Have what served run again, and wait until it is healthy: visitors wait for it."""
    old = run.serving()
    if old is None or old.app.stopped:
        return
    old.log = run.log
    if not old.is_running():
        slots.start_slot(old)
    verify_slot(old)
    workers.start_every_worker(old)
