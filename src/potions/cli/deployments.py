"""`potions deployments`, `log` and `cancel`: an app's history, and what one entry of it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.follow import announce
from potions.cli.options import AppWord, Follow, Json
from potions.cli.screen import new_table, print_json, sanitise, say, show
from potions.cli.steps import Steps
from potions.cli.units import age, took
from potions.errors import AgentLost, NotCancellable, NothingDeployed
from potions.schema import Deployment, Kind, Status, Strategy

if TYPE_CHECKING:
    from potions.client import Client

_STYLES = {
    Status.SUCCEEDED: "green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "yellow",
    Status.ROLLED_BACK: "yellow",
}

_MOST = 1000
_Limit = Annotated[
    int, Parameter(name="--limit", validator=Number(gte=1, lte=_MOST), help=f"How many at most (50); up to {_MOST}.")
]
_Number = Annotated[int | None, Parameter(name="N", help="The deployment's number; the newest if left out.")]


def deployments(app: AppWord, /, *, limit: _Limit = 50, json: Json = False) -> int:
    """List an app's deployments, newest first.

    For example:

        potions deployments blog
        potions deployments blog --limit 5
    """
    with connect() as client:
        found = client.deployments(app, limit)
    if json:
        print_json(found)
    elif found:
        _show(found)
        _say_what_is_left_out(app, found)
    else:
        say(f"Nothing is deployed to {app} yet. Deploy: potions deploy PATH --app {app}")
    return 0


def log(app: AppWord, number: _Number = None, /, *, follow: Follow = False, json: Json = False) -> int:
    """Show the log of one deployment: its steps and what the app printed.

    For example:

        potions log blog 12
        potions log blog -f
    """
    with connect() as client:
        deployment = client.deployment(app, number) if number is not None else _newest(client, app)
        events = client.events(app, deployment.number, follow=follow, drain=follow)
        if json:
            for event in events:
                print_json(event)
        else:
            announce(deployment)
            with Steps(everything=True) as steps:
                for event in events:
                    steps.show(event)
            _say_how_it_stands(client.deployment(app, deployment.number), followed=follow)
    return 0


def cancel(
    app: AppWord,
    number: Annotated[
        int | None, Parameter(name="N", help="Its number; the one that runs or waits if left out.")
    ] = None,
    /,
    *,
    json: Json = False,
) -> int:
    """Cancel a deployment that waits or runs. What serves goes on.

    It works until the migration begins.

    For example:

        potions cancel blog
        potions cancel blog 12
    """
    with connect() as client:
        if number is None:
            number = _running(client, app)
        cancelled = client.cancel(app, number)
    if json:
        print_json(cancelled)
    elif cancelled.status is Status.CANCELLED:
        say(f"Deploy {number} of {app} is cancelled.")
    else:
        say(f"Deploy {number} of {app} is being cancelled. Look: potions log {app} {number} -f")
    return 0


def _show(found: list[Deployment]) -> None:
    table = new_table("N", "STATUS", "RELEASE", "SLOT", "WHEN", "TOOK", "BY", "WHAT", fold=("WHAT",))
    for deployment in found:
        table.add_row(
            str(deployment.number),
            _status_text(deployment),
            deployment.release.label,
            deployment.slot.value if deployment.slot else "",
            age(deployment.created),
            took(deployment.began, deployment.ended),
            sanitise(deployment.by),
            _what(deployment),
        )
    show(table)


def _say_what_is_left_out(app: str, found: list[Deployment]) -> None:
    older = found[-1].number - 1
    if older and len(found) < _MOST:
        say(f"{older:,} older {'one' if older == 1 else 'ones'}: potions deployments {app} --limit {_MOST}", "dim")


def _status_text(deployment: Deployment) -> Text:
    text = Text(deployment.status.value, style=_STYLES.get(deployment.status, "cyan"))
    return text.append(", draining", style="cyan") if deployment.draining else text


def _what(deployment: Deployment) -> Text:
    """The release's source, or the badge of a redeploy or a rollback; and that it is handed over."""
    if deployment.kind is Kind.DEPLOY:
        text = Text(sanitise(deployment.release.source))
    else:
        text = Text().append(deployment.kind.value, style="reverse")
        text.append(f" to {deployment.target}" if deployment.target is not None else "")
    if deployment.strategy is Strategy.HANDOVER:
        text.append(f", {deployment.strategy.value}", style="dim")
    return text


def _newest(client: Client, app: str) -> Deployment:
    newest = client.deployments(app, limit=1)
    if not newest:
        raise NothingDeployed(app)
    return newest[0]


def _running(client: Client, app: str) -> int:
    running = client.app(app).running
    if running is None:
        raise NotCancellable(f"No deploy of {app} runs or waits.", do=f"See its history: potions deployments {app}")
    return running.number


def _say_how_it_stands(deployment: Deployment, *, followed: bool) -> None:
    if followed and not deployment.status.ended:
        raise AgentLost("The log broke off before the deploy ended.", do=f"See: potions log {deployment.app} -f")
    spent = took(deployment.began, deployment.ended)
    after = f" after {spent}" if spent else ""
    say(f"{deployment.status.value}{after}, {age(deployment.created)}", _STYLES.get(deployment.status, "cyan"))
