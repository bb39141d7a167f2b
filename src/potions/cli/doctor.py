"""`potions doctor`: what is wrong, what to run, and mending what can be mended safely."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from potions.cli.confirm import confirm
from potions.cli.connection import chosen_server, connect
from potions.cli.options import Json, Yes
from potions.cli.screen import new_table, print_json, sanitise, say, show, sign, stderr, stdout, width
from potions.errors import NotConfirmed
from potions.homes import home_from_environment
from potions.layout import Server
from potions.names import parse_app_name
from potions.schema import Checkup, Finding, Looked, Severity, Treated, Treatment

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "cyan"}
_SIGNS = {Severity.ERROR: ("✗", "x"), Severity.WARNING: ("!", "!"), Severity.INFO: ("·", "-")}
_LABEL = 10
"""Columns for the word before each line of a finding."""
_NARROWEST = 30


def doctor(
    app: Annotated[str | None, Parameter(name="APP", help="Look at this app alone, and into its storage.")] = None,
    /,
    *,
    fix: Annotated[bool, Parameter(name="--fix", help="Mend what can be mended without losing anything.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Compare what is with what should be, and say what to run.

    Also where Potions does not run. --fix says what it would do, and asks.
    It never touches a file in storage. The exit status is 1 if there is an
    error or a warning, so that cron can tell.

    For example:

        potions doctor
        potions doctor blog
        potions doctor --fix
    """
    name = None if app is None else str(parse_app_name(app))
    with _waiting(f"looking at {name or 'everything'} …", json=json):
        found = _look(name)
    if fix:
        return _mend(name, found, yes=yes, json=json)
    if json:
        print_json(found)
    else:
        _show(found, name)
    return _status(found)


def _look(app: str | None) -> Checkup:
    """By who knows this kind of home: both are slow to import."""
    if chosen_server() is not None:
        with connect() as client:
            return client.checkup(app)
    home = home_from_environment()
    if isinstance(home, Server):
        from potions import server_doctor

        return server_doctor.look(home, app)
    from potions import embedded_doctor

    return embedded_doctor.look(home, app)


def _treat(app: str | None, keys: list[str]) -> Treatment:
    if chosen_server() is not None:
        with connect() as client:
            return client.fix(app, keys)
    home = home_from_environment()
    if isinstance(home, Server):
        from potions import server_doctor

        return server_doctor.mend(home, app, keys, _tell)
    from potions import embedded_doctor

    return embedded_doctor.mend(home, app, keys, _tell)


def _status(found: Checkup) -> int:
    return 0 if found.is_healthy else 1


def _waiting(words: str, *, json: bool) -> AbstractContextManager[object]:
    """A word on the terminal while it takes its time."""
    console = stderr()
    return console.status(words) if console.is_terminal and not json else nullcontext()


# Mending


def _mend(app: str | None, found: Checkup, *, yes: bool, json: bool) -> int:
    meant = [finding for finding in found.findings if finding.fix]
    if not json:
        _show_findings(found.findings)
        _show_plan(meant)
    if meant and not yes:
        _ask(len(meant), app)
    if not meant and not json:
        _say_end(found, app)
        return _status(found)
    with _waiting("mending …", json=json):
        treatment = _treat(app, [finding.key for finding in meant])
    if json:
        print_json(treatment)
    else:
        _show_treated(treatment.treated)
        _show(treatment.checkup, app)
    return _status(treatment.checkup)


def _ask(count: int, app: str | None) -> None:
    act = f"Mending {app or 'this Potions'}"
    if not sys.stdin.isatty():
        raise NotConfirmed(
            f"{act} was not confirmed; nothing was changed.",
            why="Standard input is not a terminal, so nobody can be asked.",
            do="Where it is meant, add: --yes",
        )
    confirm(f"Do {'it' if count == 1 else f'these {count} things'}?", act)


def _tell(line: str) -> None:
    say(sanitise(line), "dim", console=stderr())


def _show_plan(meant: list[Finding]) -> None:
    if not meant:
        say("There is nothing here that --fix would do.")
        return
    say("--fix would do this:", "bold")
    for finding in meant:
        place = f"  ({sanitise(finding.place)})" if finding.place else ""
        for line in _folded(f"{finding.code}: {finding.fix}{place}", 4):
            say(line)
    say()


def _show_treated(treated: list[Treated]) -> None:
    for one in treated:
        mark = sign("✓", "+") if one.done else sign("✗", "x")
        words = sanitise(one.words) if one.done else f"{sanitise(one.finding.code)} stays: {_line(one.words)}"
        say(f"{mark} {words}", "green" if one.done else "red")
    say()


def _line(text: str) -> str:
    return " ".join(sanitise(line) for line in text.splitlines())


# The report


def _show(found: Checkup, app: str | None) -> None:
    say(f"Potions {found.version} at {sanitise(found.home)}{_whose(found)}", "bold")
    say()
    _show_findings(found.findings)
    _show_looked(found.looked_at)
    say()
    _say_end(found, app)


def _whose(found: Checkup) -> str:
    if found.app:
        return f", app {sanitise(found.app)}"
    return f", {found.apps:,} {'app' if found.apps == 1 else 'apps'}" if found.apps else ""


def _show_findings(findings: list[Finding]) -> None:
    for finding in findings:
        _show_finding(finding)
        say()


def _show_finding(finding: Finding) -> None:
    mark = sign(*_SIGNS[finding.severity])
    head = Text(f"{mark} {finding.severity.value}", style=_STYLES[finding.severity])
    head.append(f"  {sanitise(finding.code)}", style="default bold")
    if finding.app:
        head.append(f"  {sanitise(finding.app)}", style="default")
    stdout().print(head, soft_wrap=True)
    for line in _folded(finding.what, 2):
        say(line)
    for label, text in (("should", finding.expected), ("seen", finding.why)):
        for number, line in enumerate(text.splitlines()):
            _say_labelled(label if number == 0 else "", line)
    if finding.fix:
        _say_labelled("--fix", finding.fix)
    if finding.do and not (finding.fix and finding.do.startswith("potions doctor")):
        # Never folded: what is in it is there to be copied.
        say(f"  {'do':<{_LABEL - 2}}{sanitise(finding.do)}")


def _say_labelled(label: str, text: str) -> None:
    first, *rest = _folded(text, _LABEL)
    say(f"  {label:<{_LABEL - 2}}{first.lstrip()}")
    for line in rest:
        say(line)


def _folded(text: str, indent: int) -> list[str]:
    """Lines of the terminal's width; one line where there is none."""
    columns, line = width(), sanitise(text)
    margin = " " * indent
    if columns is None:
        return [margin + line]
    room = max(columns - indent, _NARROWEST)
    return [margin + piece for piece in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)] or [
        ""
    ]


def _show_looked(looked: Iterable[Looked]) -> None:
    table = new_table("", "LOOKED AT", "", fold=("",))
    for one in looked:
        mark = (sign("✓", "+"), "green") if one.worst is None else (sign(*_SIGNS[one.worst]), _STYLES[one.worst])
        table.add_row(Text(*mark), sanitise(one.name), sanitise(one.words))
    show(table)


def _say_end(found: Checkup, app: str | None) -> None:
    if not found.findings:
        say("All is well.", "bold green")
    else:
        say(_counts(found.findings), "bold" if found.is_healthy else "bold red")
    again = " ".join(["potions doctor", *([app] if app else [])])
    if any(finding.fix for finding in found.findings):
        say(f"Mend what can be mended: {again} --fix")
    if found.apps and not app:
        say("Into the storage of one app: potions doctor APP")


def _counts(findings: list[Finding]) -> str:
    counts = {severity: sum(one.severity is severity for one in findings) for severity in Severity}
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
    told = [f"{count} {words[kind]}{'' if count == 1 else 's'}" for kind, count in counts.items() if count]
    return ", ".join(told) + "."
