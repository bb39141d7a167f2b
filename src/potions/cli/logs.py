"""`potions logs`: what an app prints."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.options import AppWord, Follow, Json
from potions.cli.screen import print_json, sanitise, say, stderr, stdout
from potions.errors import AgentLost
from potions.schema import Colour, LogLine

_STYLES = {Colour.BLUE: "blue", Colour.GREEN: "green"}

_Lines = Annotated[int, Parameter(name="--lines", validator=Number(gte=0), help="How many lines from before (100).")]
_Slot = Annotated[Colour | None, Parameter(name="--slot", help="Only this slot.")]
_Grep = Annotated[str, Parameter(name="--grep", help="Only lines with this text.")]
_Process = Annotated[str | None, Parameter(name="--process", help="Only this process: web, or a worker.")]


def logs(
    app: AppWord,
    /,
    *,
    follow: Follow = False,
    lines: _Lines = 100,
    slot: _Slot = None,
    process: _Process = None,
    grep: _Grep = "",
    json: Json = False,
) -> int:
    """Show what an app prints, each line with its slot and process before it.

    With --grep, the last lines with that text, as far back as is kept, of both
    slots; upper and lower case are the same.

    For example:

        potions logs blog -f
        potions logs blog --slot green --lines 20
        potions logs blog --process worker
        potions logs blog --grep "timed out" --lines 20
    """
    empty = True
    with connect() as client:
        for line in client.logs(app, follow=follow, lines=lines, slot=slot, process=process, contains=grep):
            empty = False
            if json:
                print_json(line)
            else:
                _print(line)
    if follow:
        raise AgentLost("The log ended.", why="The app was deleted, or the agent stopped.", do="See: potions status")
    if empty and lines and not json:
        which = f"{process or app}{f' in {slot}' if slot else ''}"
        said = "printed no such line that is kept" if grep else "printed nothing yet"
        say(f"{which} has {said}.", console=stderr())
    return 0


def _print(line: LogLine) -> None:
    source = line.slot.value if line.process == "web" else f"{line.slot.value} {line.process}"
    text = Text(f"{sanitise(source):<5} ", style=_STYLES[line.slot])
    if line.gap:
        text.append("lines may be missing here: the log was rotated away" if not line.text else "", style="dim")
    text.append(sanitise(line.text.rstrip("\r\n")), style="default")
    stdout().print(text, soft_wrap=True)
