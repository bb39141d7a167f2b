"""`potions rollback`: back to what served before, or further; at once, because it is the emergency exit."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from potions.cli.connection import connect
from potions.cli.follow import follow
from potions.cli.options import AppWord, Json
from potions.cli.screen import print_json, sanitise, say
from potions.cli.units import duration
from potions.schema import Deployment, RollbackPreview, RollbackVariables, RollbackWay, Strategy

_To = Annotated[str | None, Parameter(name="--to", help="A release, as r12, or a deployment's number, as 17.")]
_Env = Annotated[
    RollbackVariables,
    Parameter(name="--env", help="The variables it runs with: those of then, or those that are saved now (current)."),
]
_DryRun = Annotated[bool, Parameter(name="--dry-run", help="Only say what would happen.")]


def rollback(
    app: AppWord,
    /,
    to: _To = None,
    *,
    env: _Env = RollbackVariables.THEN,
    dry_run: _DryRun = False,
    json: Json = False,
) -> int:
    """Go back to the release that served before, or an older one.

    It begins at once. What served before takes a moment; an older release is
    unpacked again, and built again if it has a build. Nothing migrates, and
    storage is not touched.

    The variables of then come back with it, the automatic ones made anew. What
    is saved stays as it is, and is live again with the next deploy. Another
    rollback goes forward again.

    For example:

        potions rollback blog
        potions rollback blog --to r12
        potions rollback blog --to 17 --env current
        potions rollback blog --to r12 --dry-run
    """
    with connect() as client:
        if dry_run:
            _show(app, to, env, client.rollback_preview(app, to, env), json=json)
            return 0
        # What served directly before is in its slot: there is nothing to say beforehand, and no time to lose.
        if not json and (to is not None or env is not RollbackVariables.THEN):
            for line in _warnings(client.rollback_preview(app, to, env)):
                say(line, "yellow")
        return follow(client, client.rollback(app, to, env), json=json)


def _warnings(preview: RollbackPreview) -> list[str]:
    """What a person may not expect, before it begins."""
    lines = []
    if preview.way is RollbackWay.UNPACK:
        lines.append(f"{preview.target.release.label} is in no slot any more: it is {_again(preview)}.")
    if preview.variables:
        lines.append(f"Variables that change with it: {_names(preview.variables)}.")
    return lines


def _again(preview: RollbackPreview) -> str:
    took = "" if preview.seconds is None else f", which took {duration(preview.seconds)} last time"
    return f"unpacked{' and built' if preview.builds else ''} again{took}"


def _show(app: str, to: str | None, env: RollbackVariables, preview: RollbackPreview, *, json: bool) -> None:
    if json:
        print_json(preview)
        return
    target = preview.target
    say(f"A rollback of {app} would bring back {_named(target)}.", "bold")
    for name, words in (
        ("sent as", sanitise(target.release.source)),
        ("now", f"{_named(preview.serves)} serves"),
        ("how", _how(preview)),
        ("variables", f"these change: {_names(preview.variables)}" if preview.variables else "none changes"),
        ("", f"saved, not live afterwards: {_names(preview.not_live)}" if preview.not_live else ""),
    ):
        if words:
            say(f"  {name:<10} {words}")
    words = f"potions rollback {app}" + (f" --to {to}" if to else "")
    say(f"Do it: {words}{' --env current' if env is RollbackVariables.CURRENT else ''}")


def _named(deployment: Deployment) -> str:
    return f"{deployment.release.label} (deploy {deployment.number})"


def _how(preview: RollbackPreview) -> str:
    how = _way(preview)
    if preview.way is not RollbackWay.RUNNING and Strategy.HANDOVER in (
        preview.serves.strategy,
        preview.target.strategy,
    ):
        return f"{how}; visitors wait meanwhile, because it is handed over"
    return how


def _way(preview: RollbackPreview) -> str:
    return {
        RollbackWay.RUNNING: "it still runs in the other slot, so it takes a moment",
        RollbackWay.HELD: "the other slot holds it, so it is only started",
        RollbackWay.UNPACK: f"it is {_again(preview)}",
    }[preview.way]


def _names(names: list[str]) -> str:
    return ", ".join(map(sanitise, names))
