"""`potions audit`: who did what."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.options import Json
from potions.cli.screen import new_table, print_json, sanitise, say, show
from potions.cli.units import minute
from potions.schema import AuditEntry

_Limit = Annotated[
    int, Parameter(name=["--limit", "-n"], validator=Number(gte=1, lte=1000), help="How many entries (50 at first).")
]


def audit(
    *,
    app: Annotated[str | None, Parameter(name="--app", help="Only what is about this app.")] = None,
    person: Annotated[
        str | None, Parameter(name="--person", help="Only what this person did, with their tokens.")
    ] = None,
    limit: _Limit = 50,
    json: Json = False,
) -> int:
    """Show who did what, the newest first: commands, dashboard and tokens.

    Every change is there, looks at values of variables and at stored files,
    and what was refused. Names only, never a value. Kept are the newest
    90,000 acts that were done and 10,000 that were refused.

    For example:

        potions audit
        potions audit --app blog -n 200
        potions audit --person anna --json
    """
    with connect() as client:
        found = client.audit(limit, app=app, person=person)
    if json:
        print_json(found)
    elif found:
        _show(found)
    else:
        say("Nothing is written down about that.")
    return 0


def _show(found: list[AuditEntry]) -> None:
    table = new_table("WHEN", "WHO", "HOW", "WHAT", "APP", "DETAIL", "OUTCOME", fold=("WHO", "HOW", "DETAIL"))
    for entry in found:
        outcome = Text(sanitise(entry.outcome), style="" if entry.outcome == "ok" else "yellow")
        how = f"{entry.way} {entry.address}".strip()
        words = (entry.who, how, entry.act, entry.app, entry.detail)
        table.add_row(minute(entry.at), *map(sanitise, words), outcome)
    show(table)
