"""What an app prints, read into a deployment's log."""

from __future__ import annotations

from pathlib import Path

from potions.errors import OutputUnreadable
from potions.flows.run import SlotRun
from potions.model.output import WEB, Source
from potions.model.service import NO_WALLS, NOT_HANDED_OVER

#: What an error says to do, where its last lines are in the log.
PRINTED_ABOVE = "What it printed stands above."
#: How much of an app's own output stands beside a failure.
LAST_LINES = 30
#: What these exit statuses of a shell mean.
_NOT_STARTED = {
    126: "A program could not be started",
    127: "A program was not found",
    NOT_HANDED_OVER: "systemd could not hand its variables over",
    NO_WALLS: "systemd could not put up the walls around it",
}


class OutputTail:
    """Reads the new lines of a growing log, a whole line at a time."""

    def __init__(self, run: SlotRun, path: Path) -> None:
        self._run = run
        self._path = path
        self._offset = run.world.trees.size_of(path)
        self._rest = b""

    def read(self, *, to_the_end: bool = False) -> None:
        """Put what came since the last call into the log. ``to_the_end`` takes an unfinished last line too."""
        new = self._read_new()
        *lines, self._rest = (self._rest + new).split(b"\n")
        if to_the_end and self._rest:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._run.log.output(line.decode(errors="replace").rstrip("\r"))

    def _read_new(self) -> bytes:
        trees = self._run.world.trees
        rest = b""
        if trees.size_of(self._path) < self._offset:
            # It grew too large and was put aside: the end of it is there, and a new one has begun.
            rest = trees.read_output(self._path.with_name(f"{self._path.name}.1"), self._offset)
            self._offset = 0
        new = trees.read_output(self._path, self._offset)
        self._offset += len(new)
        return rest + new


def begin_output(run: SlotRun, process: str) -> None:
    """Remember that what a process of the slot prints from now on is this deployment's."""
    run.output_start[process] = run.world.outputs.now(run.app, Source(run.slot, process))


def tell_last_lines(run: SlotRun, process: str = WEB) -> bool:
    """Put the last lines that a process printed in this deployment into its log, or that it printed nothing: False."""
    source = Source(run.slot, process)
    try:
        lines = run.world.outputs.since(run.app, source, run.output_start.get(process, ""), LAST_LINES)
    except OutputUnreadable as error:
        # What is told here is why something else failed; that must come through.
        run.log.note(f"what it printed cannot be read: {error.why}")
        return False
    for line in lines:
        run.log.output(line)
    if not lines:
        run.log.note("it printed nothing")
    return bool(lines)


def tell_command(run: SlotRun, command: str | None, status: int | None) -> str:
    """The command; where a shell did not find or could not start a program, also as whom and where it looked."""
    lines = [f"The command was: {command}"]
    if status in _NOT_STARTED:
        path = run.environment(None)["PATH"]
        lines.append(f"{_NOT_STARTED[status]}: it ran as the user {run.world.account.name} with PATH={path}")
    return "\n".join(lines)
