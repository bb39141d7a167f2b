"""Traffic: point it at a slot, see that it arrived, let the other slot finish, retire it."""

from __future__ import annotations

import time

from potions.errors import ConfirmFailed, PotionsError, StillRunning
from potions.flows.output import tell_last_lines
from potions.flows.run import SlotRun, stop_timeout_of
from potions.flows.verify import refuse_an_end
from potions.layout import Colour
from potions.model.service import slot_service

_POLL = 0.05
#: Caddy looks at the link for each request, so the first answer already comes from the new slot; a few tries forgive a
#: connection that breaks.
_CONFIRM_TRIES = 20
#: Seconds. An app that takes its time for each answer gets fewer tries.
_CONFIRM_WITHIN = 20.0
#: Seconds to end for what never served: a release that failed, a one-shot.
UNSERVED_GRACE = 5.0


def point_traffic_at_slot(run: SlotRun) -> None:
    """THE switch: one rename."""
    run.world.trees.point(run.tree, run.slot)


def point_traffic_back(run: SlotRun) -> None:
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


def wait_until_idle(run: SlotRun) -> None:
    """Wait until nothing is in flight on the other slot, at most ``drain`` seconds, or until somebody waits for us."""
    drain = run.plan.manifest.drain
    port = run.app.ports.of(run.other)
    deadline = time.monotonic() + drain
    while (left := run.world.proxy.in_flight(port)) and not run.hurried():
        if time.monotonic() >= deadline:
            run.log.note(f"{left} requests or WebSockets still open after {drain:g} s; they end now")
            return
        time.sleep(_POLL)


def retire_other_slot(run: SlotRun) -> None:
    """Stop the slot that served before, forget what this slot held before, prune archives.

    When a rollback waits, the other slot is left running: it is what the rollback brings back.
    """
    if run.other_is_wanted():
        run.log.note(f"{run.other} keeps running: it is asked for again")
    else:
        end_slot(run, run.other, grace=stop_timeout_of(run.world, run.tree, run.other))
    run.world.trees.discard_parked(run.tree, run.slot)
    for release in run.releases_to_prune(run.plan.manifest.keep):
        run.world.trees.prune(run.tree, release)
        run.forget_release(release)


def end_slot(run: SlotRun, colour: Colour, grace: float) -> None:
    """Stop a slot's service, then what left its process group; raises StillRunning for what no signal ends.

    Whoever waits for the app does not wait for a slow end: it gets SIGKILL then, as it would after ``grace`` seconds.
    """
    run.world.supervisor.stop(slot_service(run.app.name, colour), grace, cut_short=run.hurried)
    left = run.world.network.end_processes(run.tree, colour, grace, cut_short=run.hurried)
    if left:
        names = ", ".join(map(str, sorted(left)))
        raise StillRunning(f"Processes of the {colour} slot do not end.", why=f"Still there: {names}.")
