"""`potions env list`, `get` and `history`: what an app's variables are, and who did what to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.cells import cell_len, chop_cells
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.options import AppWord, Json
from potions.cli.screen import (
    new_table,
    print_json,
    sanitise,
    say,
    show,
    sign,
    spell_out,
    stdout,
    width,
    write_out,
)
from potions.cli.units import minute
from potions.schema import Liveness, Variable, VariableAct, VariableEvent

#: With less room than this beside the names, values go on lines of their own.
_ROOM_FOR_VALUES = 24
#: So many lines of a value are shown in a terminal. A key or a certificate has dozens.
_LINES_OF_VALUE = 3
#: So many names of one entry are shown in a terminal. Whoever reveals a list sees all of them.
_NAMES_OF_EVENT = 6
_GAP = 2

_Limit = Annotated[
    int,
    Parameter(name="--limit", validator=Number(gte=1, lte=10_000), help="How many entries at most (50 at first)."),
]


def list_variables(
    app: AppWord,
    /,
    *,
    reveal: Annotated[bool, Parameter(name="--reveal", help="Show the values; the history tells who did.")] = False,
    json: Json = False,
) -> int:
    """List an app's variables; values only on request.

    For example:

        potions env list blog
        potions env list blog --reveal
    """
    with connect() as client:
        found = client.variables(app, reveal=reveal)
    if json:
        print_json(found)
    elif found:
        _show(app, found)
    else:
        say(f"{app} has no variables. Set one: potions env set {app} NAME")
    return 0


def get_variable(
    app: AppWord, name: Annotated[str, Parameter(name="NAME", help="The variable.")], /, *, json: Json = False
) -> int:
    """Print the value of one variable as it is saved, and a line feed.

    As printenv does; `env set` takes that line feed off again. The history
    tells who asked.

    For example:

        potions env get blog API_KEY
        potions env get blog TLS_KEY > key.pem
    """
    with connect() as client:
        found = client.variable(app, name)
    if json:
        print_json(found)
    else:
        write_out(f"{found.value}\n")
    return 0


def show_history(
    app: AppWord,
    name: Annotated[str | None, Parameter(name="NAME", help="Only what is about this variable.")] = None,
    /,
    *,
    limit: _Limit = 50,
    json: Json = False,
) -> int:
    """Show who changed which variables, and who saw values, newest first.

    Names only. The newest 1,000 changes of an app are kept, and as many
    looks at values.

    For example:

        potions env history blog
        potions env history blog API_KEY
    """
    with connect() as client:
        found = client.variable_history(app, limit=limit, name=name)
    if json:
        print_json(found)
    elif found:
        _show_history(found)
    else:
        say(f"Nothing is known about {sanitise(name) if name else 'the variables'} of {app}.")
    return 0


# The list


def _show(app: str, found: list[Variable]) -> None:
    room = _room_for_values(found)
    has_room = room is None or room >= _ROOM_FOR_VALUES
    cut = _show_table(found, room) if has_room else _show_below_names(found)
    if cut:
        say(f"… is where a value was cut; print one whole with: potions env get {app} NAME", "dim")
    states = {variable.liveness for variable in found if not variable.locked}
    if states == {Liveness.SAVED}:
        say(f"They are live with the first deploy: potions deploy PATH --app {app}", "yellow")
    elif states - {Liveness.LIVE}:
        say(f"Make them live: potions redeploy {app}", "yellow")


def _room_for_values(found: list[Variable]) -> int | None:
    """The columns that names, badges and states leave; None in a pipe, which has no end."""
    columns = width()
    if columns is None:
        return None
    cells: list[Iterable[int]] = [
        (cell_len(sanitise(variable.name)) for variable in found),
        (_badges(variable).cell_len for variable in found),
        (len(variable.liveness.value) for variable in found),
    ]
    return columns - sum(max(wide) + _GAP for wide in cells)


def _show_table(found: list[Variable], room: int | None) -> bool:
    """Returns whether a value was cut."""
    values = [_value(variable, room) for variable in found]
    table = new_table("NAME", "", "STATE", "VALUE")
    for variable, (value, _) in zip(found, values, strict=True):
        table.add_row(sanitise(variable.name), _badges(variable), _state(variable), value)
    show(table)
    return any(cut for _, cut in values)


def _show_below_names(found: list[Variable]) -> bool:
    """For a narrow terminal. Returns whether a value was cut."""
    cuts = False
    for variable in found:
        head = Text("  ").join(text for text in (_badges(variable), _state(variable)) if text)
        stdout().print(Text.assemble((sanitise(variable.name), "bold"), "  ", head), soft_wrap=True)
        if variable.value is not None:
            value, cut = _value(variable, max((width() or 0) - _GAP, _ROOM_FOR_VALUES))
            cuts = cuts or cut
            for line in value.split("\n"):
                stdout().print(Text(" " * _GAP).append_text(line), soft_wrap=True)
    return cuts


def _value(variable: Variable, room: int | None) -> tuple[Text, bool]:
    """A value in lines of ``room`` columns, and whether it was cut."""
    if variable.value is None:
        return Text("hidden", style="dim"), False
    if not variable.value:
        return Text("empty", style="dim"), False
    text = spell_out(variable.value)
    if room is None:
        return Text(text), False
    lines = chop_cells(text, room)
    if len(lines) <= _LINES_OF_VALUE:
        return Text("\n".join(lines)), False
    last = chop_cells(lines[_LINES_OF_VALUE - 1], room - 1)[0] + "…"
    return Text("\n".join([*lines[: _LINES_OF_VALUE - 1], last])), True


def _badges(variable: Variable) -> Text:
    text = Text("auto", style="cyan") if variable.auto else Text()
    if variable.locked:
        text.append(sign(" 🔒", " locked"))
    return text


def _state(variable: Variable) -> Text:
    return Text(variable.liveness.value, style="dim" if variable.liveness is Liveness.LIVE else "yellow")


# The history


def _show_history(found: list[VariableEvent]) -> None:
    table = new_table("WHEN", "WHO", "WHAT", "VARIABLES", fold=("VARIABLES",))
    for event in found:
        what = Text(event.act.value, style="yellow" if event.seen else "")
        table.add_row(minute(event.at), sanitise(event.by), what, _names(event))
    show(table)


def _names(event: VariableEvent) -> str:
    """``A, B`` where the act says it all, and ``added A; removed B`` where it does not."""
    if event.act not in (VariableAct.SET, VariableAct.IMPORTED):
        return _some(event.names)
    told = (("added", event.added), ("changed", event.changed), ("removed", event.removed))
    return "; ".join(f"{word} {_some(names)}" for word, names in told if names)


def _some(names: list[str]) -> str:
    shown = names if width() is None else names[:_NAMES_OF_EVENT]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(map(sanitise, shown)) + more
