"""`potions releases` and `diff`: what an app was sent, and what differs between two of them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.options import AppWord, Json
from potions.cli.screen import new_table, print_json, sanitise, say, show, stdout
from potions.cli.units import age, contents, size
from potions.schema import (
    DeploymentBrief,
    FileChange,
    FileKind,
    FileLook,
    Release,
    ReleaseDiff,
    ReleaseEntry,
    ReleaseState,
    Total,
)

#: Lines of a table of releases; those that are kept are shown in any case.
_LINES = 20
#: Files of a diff.
_FILES = 40
#: More than two releases can differ in.
_EVERY_FILE = 400_000
_DEPLOYMENTS = 2

_STYLES = {
    ReleaseState.SERVES: "green",
    ReleaseState.ROLLBACK: "cyan",
    ReleaseState.WAITING: "cyan",
    ReleaseState.UNSERVED: "dim",
    ReleaseState.PRUNED: "dim",
    ReleaseState.MISSING: "bold red",
}

_All = Annotated[bool, Parameter(name="--all", help="Shorten nothing.")]
_Named = "A release, as r12, or a deployment's number, as 17. Left out:"
_From = Annotated[str | None, Parameter(name="FROM", help=f"{_Named} what served before.")]
_To = Annotated[str | None, Parameter(name="TO", help=f"{_Named} what serves.")]


def releases(app: AppWord, /, *, everything: _All = False, json: Json = False) -> int:
    """List an app's releases: what serves, what can be gone back to.

    A release is an archive as it was sent, stored once however often it is
    deployed. Kept are the last 10 that served, or as many as [deploy] keep in
    potions.toml says; what serves and what a rollback needs in any case.

    For example:

        potions releases blog
    """
    with connect() as client:
        found = client.releases(app)
    if json:
        print_json(found)
    elif found:
        _show(app, found if everything else _shortened(found), found)
    else:
        say(f"No release was sent to {app} yet. Deploy one: potions deploy PATH --app {app}")
    return 0


def diff(
    app: AppWord, before: _From = None, after: _To = None, /, *, everything: _All = False, json: Json = False
) -> int:
    """Show which files differ between two releases, and by how much.

    Without FROM and TO: what the last deploy changed. The archives themselves
    are compared, so the releases need not be in a slot.

    For example:

        potions diff blog
        potions diff blog r12
        potions diff blog r12 r14 --all
    """
    limit = _EVERY_FILE if everything else 1000 if json else _FILES
    with connect() as client:
        if json:
            print_json(client.diff(app, before, after, limit))
            return 0
        with stdout().status("reading the archives"):
            found = client.diff(app, before, after, limit)
    _show_diff(app, found)
    return 0


# Releases


def _shortened(found: list[ReleaseEntry]) -> list[ReleaseEntry]:
    """Those that are kept, and as many of the pruned ones as there is room for."""
    room = _LINES - sum(entry.state is not ReleaseState.PRUNED for entry in found)
    shown = []
    for entry in found:
        if entry.state is ReleaseState.PRUNED:
            room -= 1
            if room < 0:
                continue
        shown.append(entry)
    return shown


def _show(app: str, shown: list[ReleaseEntry], found: list[ReleaseEntry]) -> None:
    titles = ("RELEASE", "STATE", "CAME", "PACKED", "UNPACKED", "FILES", "DEPLOYS", "SOURCE")
    table = new_table(*titles, fold=("SOURCE",))
    for entry in shown:
        release = entry.release
        table.add_row(
            release.label,
            _state_text(entry),
            age(release.received),
            size(release.packed_bytes),
            "" if release.unpacked_bytes is None else size(release.unpacked_bytes),
            "" if release.files is None else f"{release.files:,}",
            _numbers(entry.deployments),
            sanitise(release.source),
        )
    show(table)
    if len(shown) < len(found):
        say(f"{len(found) - len(shown):,} more that were pruned: potions releases {app} --all", "dim")
    for line in _hints(app, found):
        say(line)


def _state_text(entry: ReleaseEntry) -> Text:
    return Text(_state_words(entry), style=_STYLES.get(entry.state, ""))


def _state_words(entry: ReleaseEntry) -> str:
    """One word; for what never served, what became of it last."""
    if entry.state is ReleaseState.UNSERVED:
        return entry.deployments[0].status.value if entry.deployments else "sent"
    return entry.state.value


def _numbers(deployments: list[DeploymentBrief]) -> str:
    numbers = ", ".join(str(one.number) for one in deployments[:_DEPLOYMENTS])
    return f"{numbers}, …" if len(deployments) > _DEPLOYMENTS else numbers


def _hints(app: str, found: list[ReleaseEntry]) -> list[str]:
    """The commands that go back, as far as there is something to go back to."""
    labels = {state: [one.release.label for one in found if one.state is state] for state in ReleaseState}
    hints = [f"Back to {label}: potions rollback {app}" for label in labels[ReleaseState.ROLLBACK]]
    return hints + [
        f"Further, to {label}: potions rollback {app} --to {label}" for label in labels[ReleaseState.KEPT][:1]
    ]


# A diff


def _show_diff(app: str, diff: ReleaseDiff) -> None:
    if diff.before.id == diff.after.id:
        say(f"{_named(diff.before)} is one release: nothing differs.")
        return
    say(f"{app}: from {_named(diff.before)} to {_named(diff.after)}", "bold")
    for words, total in (("added", diff.added), ("removed", diff.removed)):
        say(f"  {words:<10} {_amount(total)}")
    changed = diff.changed_after
    was = f" ({size(diff.changed_before.bytes)} before)" if changed.files else ""
    say(f"  {'changed':<10} {_amount(changed)}{was}")
    say(f"  {'the same':<10} {_amount(diff.unchanged)}")
    for change in diff.files:
        _show_change(change)
    if diff.left_out:
        say(f"{diff.left_out:,} more: potions diff {app} {diff.before.label} {diff.after.label} --all", "dim")


def _named(release: Release) -> str:
    return f"{release.label} ({sanitise(release.source)})"


def _amount(total: Total) -> str:
    return contents(total.files, total.bytes) if total.files else "nothing"


def _show_change(change: FileChange) -> None:
    sign, style = (
        ("~", "yellow") if change.before and change.after else ("+", "green") if change.after else ("-", "red")
    )
    text = Text("  ").append(f"{sign} {sanitise(change.path)}", style=style)
    stdout().print(text.append(f"  {_change_words(change)}", style="dim"), soft_wrap=True)


def _change_words(change: FileChange) -> str:
    before, after = change.before, change.after
    if before is None or after is None:
        return _look_words(after or before)
    if FileKind.LINK in (before.kind, after.kind):
        return f"{_look_words(before)}, now {_look_words(after)}"
    words = [size(after.bytes)]
    if after.bytes != before.bytes:
        words.append(f"{'+' if after.bytes > before.bytes else '-'}{size(abs(after.bytes - before.bytes))}")
    if before.kind is not after.kind:
        words.append("now executable" if after.kind is FileKind.PROGRAM else "not executable any more")
    return ", ".join(words)


def _look_words(look: FileLook | None) -> str:
    if look is None:
        return ""
    return f"a link to {sanitise(look.target)}" if look.kind is FileKind.LINK else size(look.bytes)
