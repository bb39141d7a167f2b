"""Is the new release up? Ask it as a visitor would, until it answers well twice in a row, ends, or time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from potions.errors import AppExited, ListensElsewhere, NotListening, PortBusy, PotionsError, Unhealthy
from potions.flows import workers
from potions.flows.output import PRINTED_ABOVE, tell_command, tell_last_lines
from potions.flows.ports import Answer
from potions.flows.run import SlotRun
from potions.model.plan import Health
from potions.model.service import Phase

_SHORTEST_PAUSE = 0.025
_LONGEST_PAUSE = 1.0
#: The pause grows with the time that was waited, so what is seen late is seen at most 5 % late.
_PAUSE_SHARE = 0.05
_GOOD_IN_A_ROW = 2
#: When to say aloud that the app listens on other ports only. Not at once: an Erlang node opens its own port first.
_TELL_PORTS_AFTER = 5.0
#: The addresses at which a listener may get what is sent to 127.0.0.1.
_ASKED = frozenset({"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"})  # noqa: S104 - only looked for


def verify_slot(run: SlotRun) -> None:
    """Wait until the slot answers well; raises what went wrong, with the app's last lines in the log."""
    try:
        _wait_until_healthy(run)
    except PotionsError as error:
        if not tell_last_lines(run):
            error.do = error.do.replace(PRINTED_ABOVE, "").strip()
        raise


def check_warm_slot(run: SlotRun) -> None:
    """One good answer of a slot that was healthy before and still runs is enough; any other has it verified anew."""
    health = run.plan.manifest.health
    if not is_good(run.world.network.get(run.port, health.path or "/", run.asked_host), health):
        verify_slot(run)


def is_good(answer: Answer | None, health: Health) -> bool:
    """Whether an answer counts. Without a health path any answer below 500 does: the app runs and speaks HTTP."""
    if answer is None:
        return False
    return answer.status < 500 if health.path is None else health.lowest <= answer.status <= health.highest


def _wait_until_healthy(run: SlotRun) -> None:
    health = run.plan.manifest.health
    if health.path is None:
        run.log.note("no [health] path is set: any answer below 500 at / counts as healthy")
    began = run.world.supervisor.state(run.service_name)
    started = time.monotonic()
    deadline = started + health.timeout
    tell_ports = _once_after(_TELL_PORTS_AFTER, lambda: _note_other_ports(run))
    good, last = 0, None
    while good < _GOOD_IN_A_ROW:
        run.stop_if_cancelled()
        refuse_an_end(run, began.pid)
        answer = run.world.network.get(run.port, health.path or "/", run.asked_host)
        last = answer or last
        good = good + 1 if is_good(answer, health) else 0
        if good == 0:
            tell_ports()
            if time.monotonic() > deadline:
                raise _diagnosis(run, last)
        if good < _GOOD_IN_A_ROW:
            time.sleep(_SHORTEST_PAUSE if good else _pause_after(time.monotonic() - started))
    _refuse_a_stranger(run, began.pid)
    workers.refuse_an_ended_worker(run)


def _pause_after(waited: float) -> float:
    return min(max(_SHORTEST_PAUSE, waited * _PAUSE_SHARE), _LONGEST_PAUSE)


def refuse_an_end(run: SlotRun, pid: int) -> None:
    """Raise AppExited unless the slot's service still runs as ``pid``.

    An exit or a restart is the end at once: an app that cannot stay up will not become healthy.
    """
    state = run.world.supervisor.state(run.service_name)
    if state.phase is Phase.RUNNING and state.pid == pid:
        return
    status = "" if state.exit_status is None else f" with exit status {state.exit_status}"
    raise AppExited(
        f"{run.called} ended{status} while it was checked.",
        why=tell_command(run, run.plan.start, state.exit_status),
        do=PRINTED_ABOVE,
    )


def _refuse_a_stranger(run: SlotRun, pid: int) -> None:
    """A good answer counts only from the slot's own processes."""
    if any(port == run.port for _, port in _listening(run)):
        return
    # It may have answered twice and ended since; then nobody else is to blame.
    refuse_an_end(run, pid)
    holder = run.world.network.holder_of(run.port)
    if not holder:
        raise NotListening(
            f"{run.called} does not listen on port {run.port} any more.",
            why="It answered well, and closed the port since.",
            do=PRINTED_ABOVE,
        )
    raise PortBusy(
        f"Somebody else answers on port {run.port}.",
        why=f"{holder} listens there, and is not part of {run.app.name}.",
        do="End that program, then deploy again.",
    )


def _diagnosis(run: SlotRun, last: Answer | None) -> PotionsError:
    """Why it never became healthy, as far as can be seen from outside."""
    health = run.plan.manifest.health
    listening = _listening(run)
    waited = f"within {health.timeout:g} s"
    if last is not None or any(port == run.port and address in _ASKED for address, port in listening):
        wanted = "below 500" if health.path is None else f"{health.lowest} to {health.highest}"
        return Unhealthy(
            f"{run.called} did not become healthy {waited}.",
            why=f"GET {health.path or '/'} gave {last.status if last else 'no answer'}; wanted is {wanted}.",
            do=f"{PRINTED_ABOVE} Set [health] path and timeout in potions.toml if it needs other ones.",
        )
    if listening:
        return ListensElsewhere(
            f"{run.called} listens on {_ports(listening)}, not on 127.0.0.1:{run.port}.",
            why="The proxy asks there. Each slot has its own port, given in the variable PORT.",
            do="Make it listen on port $PORT of 127.0.0.1, or of every address.",
        )
    return NotListening(
        f"{run.called} runs, but did not listen on port {run.port} {waited}.",
        do=f"Make it listen on $PORT. {PRINTED_ABOVE}",
    )


def _note_other_ports(run: SlotRun) -> None:
    listening = _listening(run)
    if listening and all(port != run.port for _, port in listening):
        run.log.note(f"it listens on {_ports(listening)}, not on {run.port}; use $PORT")


def _listening(run: SlotRun) -> list[tuple[str, int]]:
    # By descent as well: what shows a title of its own in ps (Puma, PostgreSQL) writes over its environment for that.
    family = run.world.network.family_of(run.world.supervisor.state(run.service_name).pid)
    return run.world.network.listening(run.world.network.processes_of(run.tree, run.slot) | family)


def _ports(listening: list[tuple[str, int]]) -> str:
    return ", ".join(f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address, port in listening)


def _once_after(seconds: float, action: Callable[[], None]) -> Callable[[], None]:
    """A function that runs ``action`` at its first call after ``seconds``, and never again."""
    due = [time.monotonic() + seconds]

    def call() -> None:
        if due and time.monotonic() > due[0]:
            due.clear()
            action()

    return call
