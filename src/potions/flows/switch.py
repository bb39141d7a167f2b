"""Traffic: point it at a slot, see that it arrived, let the other slot finish, retire it or have it stand by."""

from __future__ import annotations

import time

from potions.errors import ConfirmFailed, PotionsError
from potions.flows import holding, slots
from potions.flows.output import tell_last_lines
from potions.flows.run import SlotRun, stop_timeout_of
from potions.flows.verify import refuse_an_end
from potions.layout import Colour

_POLL = 0.05
#: Caddy looks at the link for each request, so the first answer already comes from the new slot; a few tries forgive a
#: connection that breaks.
_CONFIRM_TRIES = 20
#: Seconds. An app that takes its time for each answer gets fewer tries.
_CONFIRM_WITHIN = 20.0
#: How often in a row nothing has to be in flight: a request that chose its slot right before the switch is counted a
#: moment later.
_IDLE_LOOKS = 2


def point_traffic_at_slot(run: SlotRun) -> None:
    """THE switch: one rename. In a hand-over ``.live`` names the slot already, and those who wait are let go."""
    if run.is_handover:
        holding.let_requests_go(run)
    else:
        run.world.trees.point(run.tree, run.slot, sync=not run.is_warm)


def point_traffic_back(run: SlotRun) -> None:
    """In a hand-over nothing runs in the other slot yet, so visitors wait again until it does."""
    if run.is_handover:
        holding.hold_again(run)
    else:
        run.world.trees.point(run.tree, run.other)


def check_through_the_proxy(run: SlotRun) -> None:
    """See that the new slot answers at the app's address, and the flow switches back if it does not.

    Raises ConfirmFailed, or AppExited for a release that ended since it was healthy; its last lines are in the log.
    """
    try:
        _wait_for_the_new_slot(run)
    except PotionsError:
        tell_last_lines(run)
        raise


def _wait_for_the_new_slot(run: SlotRun) -> None:
    path = run.plan.manifest.health.path or "/"
    began = run.world.supervisor.state(run.service_name)
    seen = "no answer"
    deadline = time.monotonic() + _CONFIRM_WITHIN
    for _ in range(_CONFIRM_TRIES):
        answer = run.world.proxy.ask(run.app.name, path)
        if answer is not None and answer.slot == run.slot:
            return
        # Visitors are sent there already, so its end is not waited for any longer.
        refuse_an_end(run, began.pid)
        seen = "no answer" if answer is None else f"{answer.status} from {answer.slot or 'no slot'}"
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL)
    raise ConfirmFailed(
        f"The {run.slot} slot is healthy, but does not answer through the proxy.",
        why=f"Last seen: {seen}.",
        do="See what Caddy says: potions status",
    )


def drain_other_slot(run: SlotRun) -> None:
    """Wait until it has finished its requests, at most ``drain`` seconds, or until somebody waits for us."""
    wait_until_idle(run, run.other, run.plan.manifest.drain)


def wait_until_idle(run: SlotRun, colour: Colour, at_most: float) -> None:
    """Wait until nothing is in flight on a slot, at most so many seconds, or until somebody waits for us."""
    port = run.app.ports.of(colour)
    deadline = time.monotonic() + at_most
    idle = 0
    while idle < _IDLE_LOOKS and not run.hurried():
        left = run.world.proxy.in_flight(run.app.name, colour, port)
        idle = 0 if left else idle + 1
        if left and time.monotonic() >= deadline:
            run.log.note(f"{left} requests or WebSockets still open after {at_most:g} s; they end now")
            return
        if idle < _IDLE_LOOKS:
            time.sleep(_POLL)


def stop_new_slot(run: SlotRun) -> None:
    """End a release that does not come to serve; what it still answers, where it had the traffic, is waited for."""
    wait_until_idle(run, run.slot, run.hold_drain if run.is_handover else run.plan.manifest.drain)
    slots.stop_slot(run)


def retire_other_slot(run: SlotRun) -> None:
    """Stop the slot that served before or have it stand by, forget what this slot held before, prune archives.

    When a rollback waits, the other slot is left running: it is what the rollback brings back.
    """
    standby = run.plan.manifest.standby
    if run.other_is_wanted():
        run.log.note(f"{run.other} keeps running: it is asked for again")
    elif standby and run.other_runs():
        run.begin_standby(standby)
        run.log.note(f"{run.other} stands by for {standby:g} s: a rollback to it takes a moment")
    else:
        slots.end_slot(run, run.other, grace=stop_timeout_of(run.world, run.tree, run.other))
    run.world.trees.discard_parked(run.tree, run.slot)
    for release in run.releases_to_prune(run.plan.manifest.keep):
        run.world.trees.prune(run.tree, release)
        run.forget_release(release)
