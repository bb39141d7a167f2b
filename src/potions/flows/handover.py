"""One writer: the proxy holds requests while the old slot stops and the new one starts; the two never run at once.

Who waits is sent on by a number in a file (the gate of the new slot), which the proxy reads again at each try. So those
who wait are answered also where the new release fails: by the old one, once it is back.
"""

from __future__ import annotations

import time

from potions.flows import slots, switch, workers
from potions.flows.run import SlotRun, stop_timeout_of
from potions.flows.verify import verify_slot

#: The step from which on ``.live`` names the new slot, though nothing is decided yet.
HOLD = "hold"


def is_handover(run: SlotRun) -> bool:
    return run.is_handover


def hold_requests(run: SlotRun) -> None:
    """Have requests wait from now on. What is in flight finishes on the old slot."""
    run.held_since = time.monotonic()
    run.world.trees.hold_requests(run.tree, run.slot)
    run.world.trees.point(run.tree, run.slot)


def send_requests_back(run: SlotRun) -> None:
    """Those who wait go to the old slot, and so do all others. The hold stays for who is on the way to it."""
    run.world.trees.let_requests_go(run.tree, run.slot, run.app.ports.of(run.other))
    run.world.trees.point(run.tree, run.other)


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
