"""A slot's processes: configured, started, ended. ``web`` is here, the workers beside it in ``workers``."""

from __future__ import annotations

from potions.errors import PortBusy, StillRunning
from potions.flows import workers
from potions.flows.output import begin_output
from potions.flows.run import SlotRun, stop_timeout_of
from potions.layout import Colour
from potions.model.output import WEB
from potions.model.service import slot_service

#: Seconds to end for what never served: a release that failed, a one-shot.
UNSERVED_GRACE = 5.0
#: What people are told who have a console open in a slot that ends. It hears of it first: a shell ignores SIGTERM.
SLOT_ENDS = "Its release does not run any more: another one serves, or the app was stopped."


def configure_slot(run: SlotRun) -> None:
    """Write the slot's variables and make its services known."""
    epmd_port = run.world.erlang.ensure_port_mapper(run.tree, run.slot, run.port) if run.plan.erlang else None
    environment = run.environment(epmd_port)
    run.log.hide(run.hidden(environment))
    run.world.trees.write_environment(run.tree, run.slot, environment)
    run.world.supervisor.install(run.web())
    workers.install_workers(run, epmd_port)
    run.records.set_strategy(run.deployment.id, run.plan.manifest.strategy)


def start_slot(run: SlotRun) -> None:
    """Start the slot's program, and the workers that start with it; raises PortBusy."""
    holder = run.world.network.holder_of(run.port) if not run.world.network.is_port_free(run.port) else ""
    if holder:
        raise PortBusy(
            f"Port {run.port}, which the {run.slot} slot of {run.app.name} needs, is taken.",
            why=f"{holder} listens on it.",
            do="End that program, then deploy again.",
        )
    begin_output(run, WEB)
    run.world.supervisor.start(run.service_name)
    workers.start_with_web(run)
    # While it boots: no other step waits for the disk then, and the switch finds next to nothing left to write.
    run.world.trees.begin_sync(run.tree)


def stop_slot(run: SlotRun) -> None:
    """End what runs in the slot: a release that did not come to serve, or one that stood by until now."""
    grace = stop_timeout_of(run.world, run.tree, run.slot) if run.end_standby() else UNSERVED_GRACE
    end_slot(run, run.slot, grace=grace)


def end_slot(run: SlotRun, colour: Colour, grace: float) -> None:
    """Stop a slot's services, workers first, then what left their groups; raises StillRunning for what does not end.

    Whoever waits for the app does not wait for a slow end: it gets SIGKILL then, as it would after ``grace`` seconds.
    """
    run.world.terminals.end_slot(run.app.name, colour, SLOT_ENDS)
    workers.end_workers(run, colour, grace)
    run.world.supervisor.stop([slot_service(run.app.name, colour)], grace, cut_short=run.hurried)
    left = run.world.network.end_processes(run.tree, colour, grace, cut_short=run.hurried)
    if left:
        names = ", ".join(map(str, sorted(left)))
        raise StillRunning(f"Processes of the {colour} slot do not end.", why=f"Still there: {names}.")
