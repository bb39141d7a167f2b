"""Following a deployment until it ended, and saying what serves then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from potions.cli.faults import INTERRUPTED, print_error
from potions.cli.links import no_domain_words
from potions.cli.screen import print_json, sanitise, say, stderr
from potions.cli.steps import Steps
from potions.cli.units import took
from potions.errors import AgentLost, AgentUnreachable, DeployCancelled, PotionsError
from potions.schema import AppDetail, AppSummary, Deployment, ErrorBody, Kind, Phase, Status

if TYPE_CHECKING:
    from potions.client import Client

_POLL_SECONDS = 0.3


def follow(client: Client, deployment: Deployment, *, json: bool) -> int:
    """Show a deployment's steps until it ended; return 0 if it succeeded.

    With ``json`` nothing is shown but the deployment as it ended. Ctrl-C leaves the deploy alone, which says so.
    Raises AgentLost where the log breaks off, or the agent goes away before its end is told.
    """
    try:
        ended = _wait_silently(client, deployment) if json else _show_steps(client, deployment)
        return _report(client, ended, json=json)
    except KeyboardInterrupt:
        _say_it_goes_on(deployment)
        return INTERRUPTED
    except (AgentLost, AgentUnreachable) as error:
        goes_on = "The deploy goes on there." if client.elsewhere else "The deploy itself goes on or is recovered."
        raise AgentLost(error.what, why=goes_on, do=_look(deployment)) from error


def announce(deployment: Deployment) -> None:
    """The headline: what goes where."""
    say(headline(deployment), "bold")


def headline(deployment: Deployment) -> str:
    """``Deploy 3 of blog: r3 (blog.tar.gz)``."""
    release = deployment.release
    return f"{_act(deployment)} {deployment.number} of {deployment.app}: {release.label} ({sanitise(release.source)})"


def _act(deployment: Deployment) -> str:
    return {Kind.DEPLOY: "Deploy", Kind.REDEPLOY: "Redeploy", Kind.ROLLBACK: "Rollback"}[deployment.kind]


def _look(deployment: Deployment) -> str:
    return f"Look again with: potions log {deployment.app} {deployment.number} -f"


def _say_it_goes_on(deployment: Deployment) -> None:
    app, number = deployment.app, deployment.number
    say(f"{_act(deployment)} {number} of {app} goes on without you.", console=stderr())
    say(_look(deployment), console=stderr())
    say(f"Stop it with:    potions cancel {app} {number}", console=stderr())


def _wait_silently(client: Client, deployment: Deployment) -> Deployment:
    for _ in client.events(deployment.app, deployment.number, follow=True):
        pass
    return _ended(client, deployment)


def _show_steps(client: Client, deployment: Deployment) -> Deployment:
    announce(deployment)
    with Steps(everything=False) as steps:
        _wait_for_turn(client, deployment, steps)
        for event in client.events(deployment.app, deployment.number, follow=True):
            steps.show(event)
    return _ended(client, deployment)


def _wait_for_turn(client: Client, deployment: Deployment, steps: Steps) -> None:
    """Name who is before it while anybody is; the log itself says nothing until its turn comes."""
    said = ""
    while client.deployment(deployment.app, deployment.number).status is Status.QUEUED:
        before = _before(client.status().running, deployment)
        if not before:
            return
        if (words := _queue_words(before)) != said:
            steps.wait(words)
            said = words
        time.sleep(_POLL_SECONDS)


def _before(queue: list[Deployment], deployment: Deployment) -> list[Deployment]:
    """Who runs or waits before it; nobody once it has left the queue."""
    ids = [other.id for other in queue]
    return queue[: ids.index(deployment.id)] if deployment.id in ids else []


def _queue_words(before: list[Deployment]) -> str:
    first = before[0]
    more = f" and {len(before) - 1} more" if len(before) > 1 else ""
    return f"waiting for {_act(first).lower()} {first.number} of {first.app}{more}"


def _ended(client: Client, deployment: Deployment) -> Deployment:
    """A log that ends before its deployment did is a broken stream, whatever the transport says."""
    ended = client.deployment(deployment.app, deployment.number)
    if not ended.status.ended:
        raise AgentLost(f"The log of deploy {deployment.number} of {deployment.app} broke off.")
    return ended


def _report(client: Client, ended: Deployment, *, json: bool) -> int:
    if json:
        print_json(ended)
    if ended.status in (Status.FAILED, Status.CANCELLED):
        detail = client.app(ended.app)
        print_error(_failure(ended, detail.summary), json=json)
        return 1
    if not json:
        _say_what_serves(ended, client.app(ended.app))
    return 0


def _failure(ended: Deployment, app: AppSummary) -> PotionsError:
    """The deployment's error, with what serves now as its last line."""
    from potions.client import error_from

    now = _serves_still(ended, app)
    if ended.status is Status.CANCELLED:
        return DeployCancelled(f"{_act(ended)} {ended.number} of {ended.app} was cancelled.", why=now)
    failure = ended.failure
    if failure is None:
        return PotionsError(f"{_act(ended)} {ended.number} of {ended.app} failed.", why=now, do=_look(ended))
    what = f"{_act(ended)} {ended.number} of {ended.app} failed. {failure.what}"
    return error_from(ErrorBody(failure.code, what, failure.why, "\n".join(filter(None, (failure.do, now)))))


def _serves_still(ended: Deployment, app: AppSummary) -> str:
    serves = app.serves
    if serves is None:
        return f"Nothing serves {ended.app} yet, as before."
    if app.state not in {"running", "starting"}:
        look = f"potions apps show {ended.app}"
        return f"{serves.label} (deploy {serves.number}) is to serve, but the app is {app.state}. Look at it: {look}"
    if ended.previous is not None and serves.number != ended.previous:
        return f"{serves.label} (deploy {serves.number}) serves."
    return f"The release before it ({serves.label}) still serves."


def _say_what_serves(ended: Deployment, detail: AppDetail) -> None:
    seconds = took(ended.began or ended.created, ended.ended)
    where = f" from {ended.slot}" if ended.slot else ""
    if ended.status is Status.ROLLED_BACK:
        say(f"{ended.app} served {ended.release.label}, and was rolled back since.", "yellow")
        return
    say(f"{ended.app} serves {ended.release.label} now{where}, after {seconds}.", "bold green")
    say(f"  {sanitise(detail.summary.address) or f'address: {no_domain_words(detail.summary.name)}'}")
    if any(slot.draining and slot.phase is Phase.RUNNING for slot in detail.slots):
        say("  The slot before it finishes its last requests.")
    if ended.kind is Kind.ROLLBACK and detail.unsaved:
        say(f"  Variables that are saved, not live: {detail.unsaved}. See them: potions env list {ended.app}")
