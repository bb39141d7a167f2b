"""Requests that wait in the proxy while nothing may run that could answer them.

Who waits is sent on by a number in a file (the gate of the new slot), which the proxy reads again at each try. So those
who wait are answered also where the new release fails: by the old one, once it is back.
"""

from __future__ import annotations

import time

from potions.flows.run import SlotRun, World

#: The step from which on ``.live`` names the new slot, though nothing is decided yet.
HOLD = "hold"


def hold_requests(run: SlotRun) -> None:
    """Have requests wait from now on. What is in flight finishes on the old slot."""
    run.held_since = time.monotonic()
    run.world.proxy.begin_hold(run.app.name)
    run.world.trees.hold_requests(run.tree, run.slot, _ways_out(run))
    run.world.trees.point(run.tree, run.slot)


def hold_again(run: SlotRun) -> None:
    """Visitors of a slot that ``.live`` names already wait: what runs in it is about to stop."""
    run.world.proxy.begin_hold(run.app.name)
    run.world.trees.hold_requests(run.tree, run.slot, _ways_out(run))


def let_requests_go(run: SlotRun) -> None:
    """Those who wait go to the new slot, and nobody waits any more."""
    run.world.trees.let_requests_go(run.tree, run.slot, run.port)
    run.world.trees.end_hold(run.tree, run.slot)
    run.world.proxy.end_hold(run.app.name)
    if run.held_since:
        run.log.note(f"visitors waited for {time.monotonic() - run.held_since:.1f} s at most")


def send_requests_back(run: SlotRun) -> None:
    """Those who wait go to the old slot, and so do all others. The hold stays for who is on the way to it.

    Where the old slot did not come back, they go to the proxy once more: it tells them so, and nobody waits in vain.
    None of this needs room on the disk.
    """
    try:
        run.world.trees.let_requests_go(run.tree, run.slot, way_out(run.world, run.app.ports.of(run.other)))
    finally:
        run.world.trees.point(run.tree, run.other, sync=False)
        run.world.proxy.end_hold(run.app.name)


def way_out(world: World, port: int) -> int:
    """The port of a slot, or the proxy's own where nobody listens there: whoever comes back to it is told so."""
    return world.proxy.own_port if world.network.is_port_free(port) else port


def _ways_out(run: SlotRun) -> tuple[int, ...]:
    return (*run.app.ports.both, run.world.proxy.own_port)
