"""`potions deployments`, `log` and `cancel`."""

from __future__ import annotations

import re

import msgspec
import pytest

from potions.errors import DeploymentUnknown, NotCancellable
from potions.schema import Deployment, Event, EventKind, Kind, Status
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run

LIST = "/apps/blog/deployments"


def test_the_history_fits_eighty_columns(run: Run, agent: CannedAgent) -> None:
    """Each deployment is a line, with badges for redeploys and rollbacks."""
    found = [
        answers.deployment(14, kind=Kind.ROLLBACK, target=12, draining=True),
        answers.failed(13),
        answers.deployment(12, status=Status.ROLLED_BACK, kind=Kind.REDEPLOY),
        answers.deployment(11, status=Status.QUEUED, slot=None, began=None, ended=None),
    ]
    agent.says("GET", LIST, found)
    out = run("deployments", "blog").out
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == ["N", "14", "13", "12", "11", "10"]
    assert lines[-1] == "10 older ones: potions deployments blog --limit 1000"
    assert "succeeded, draining" in lines[1]
    assert "rollback to 12" in lines[1]
    assert "failed" in lines[2]
    assert "redeploy" in lines[3]
    assert "rolled back" in lines[3]


def test_a_whole_history_leaves_nothing_out(run: Run, agent: CannedAgent) -> None:
    """Once the first deployment is among them, there is nothing older to look at."""
    agent.says("GET", LIST, [answers.deployment(2), answers.deployment(1)])
    assert "older" not in run("deployments", "blog", "--limit", "2").out
    assert agent.asked[0].query == {"limit": "2"}


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many"])
def test_a_limit_that_makes_no_sense_is_refused(run: Run, agent: CannedAgent, limit: str) -> None:
    """Before anything is asked."""
    assert run("deployments", "blog", "--limit", limit).status == 2
    assert agent.asked == []


def test_an_empty_history_says_what_to_do(run: Run, agent: CannedAgent) -> None:
    """Nothing deployed yet: the command that deploys."""
    agent.says("GET", LIST, [])
    assert "potions deploy PATH --app blog" in run("deployments", "blog").out


def test_the_history_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the API's list."""
    agent.says("GET", LIST, [answers.failed()])
    assert msgspec.json.decode(run("deployments", "blog", "--json").out, type=list[Deployment]) == [answers.failed()]


def test_a_log_has_everything(run: Run, agent: CannedAgent) -> None:
    """Every line of output, notes, the failure's words, what was undone, and how it ended."""
    agent.says("GET", f"{LIST}/2", answers.failed(2))
    note = answers.event(EventKind.NOTE, "unpack", "one directory stripped")
    agent.streams(f"{LIST}/2/events", [*answers.good_deploy()[:-1], note, *answers.bad_deploy()])
    outcome = run("log", "blog", "2")
    assert outcome.status == 0
    for words in (
        "Deploy 2 of blog: r2",
        "│ quiet while all is well",
        "· one directory stripped",
        "│ ValueError: [red]no[/red] database",
        "    It ended before it answered.",
        "↩ start          undone",
        "failed after 4.2 s, ",
    ):
        assert words in outcome.out
    assert re.search(r"failed after 4\.2 s, \d+ min ago", outcome.out), "however long the tests have run already"
    assert "\x1b" not in outcome.out
    assert agent.asked[1].query == {"follow": "false", "drain": "false"}


def test_without_a_number_it_is_the_newest(run: Run, agent: CannedAgent) -> None:
    """`potions log blog` shows the last deployment."""
    agent.says("GET", LIST, [answers.deployment(7)])
    agent.says("GET", f"{LIST}/7", answers.deployment(7))
    agent.streams(f"{LIST}/7/events", answers.good_deploy())
    assert run("log", "blog").out.startswith("Deploy 7 of blog")
    assert agent.asked[0].query == {"limit": "1"}


def test_no_deployment_at_all(run: Run, agent: CannedAgent) -> None:
    """Without a deployment there is no log, and the error says what to do."""
    agent.says("GET", LIST, [])
    outcome = run("log", "blog")
    assert outcome.status == 1
    assert "Nothing is deployed to blog yet." in outcome.err


def test_a_log_in_json_is_the_events(run: Run, agent: CannedAgent) -> None:
    """`--json` prints each event on a line of its own."""
    agent.says("GET", f"{LIST}/2", answers.failed(2))
    agent.streams(f"{LIST}/2/events", answers.bad_deploy())
    out = run("log", "blog", "2", "--json").out
    assert [msgspec.json.decode(line, type=Event) for line in out.splitlines()] == answers.bad_deploy()


def test_a_followed_log_includes_the_drain(run: Run, agent: CannedAgent) -> None:
    """`-f` stays until the old slot is retired."""
    agent.says("GET", f"{LIST}/2", answers.deployment(2))
    agent.streams(f"{LIST}/2/events", answers.good_deploy())
    assert run("log", "blog", "2", "-f").status == 0
    assert agent.asked[1].query == {"follow": "true", "drain": "true"}


def test_a_followed_log_that_breaks_off_is_told(run: Run, agent: CannedAgent) -> None:
    """A log that ends before its deploy is an error."""
    agent.says("GET", f"{LIST}/2", answers.deployment(2, status=Status.VERIFYING))
    agent.streams(f"{LIST}/2/events", answers.good_deploy()[:3])
    assert run("log", "blog", "2", "-f").status == 1


def test_an_unknown_number(run: Run, agent: CannedAgent) -> None:
    """A deployment that never was is told."""
    agent.refuses("GET", f"{LIST}/99", DeploymentUnknown("blog has no deployment 99."))
    assert "blog has no deployment 99." in run("log", "blog", "99").err


# Cancel


@pytest.mark.parametrize(
    ("status", "words"), [(Status.CANCELLED, "is cancelled"), (Status.BUILDING, "is being cancelled")]
)
def test_cancel_by_number(run: Run, agent: CannedAgent, status: Status, words: str) -> None:
    """What is over and what takes a moment are told apart."""
    agent.says("POST", f"{LIST}/12/cancel", answers.deployment(12, status=status))
    outcome = run("cancel", "blog", "12")
    assert outcome.status == 0
    assert f"Deploy 12 of blog {words}" in outcome.out


def test_cancel_without_a_number_takes_what_runs(run: Run, agent: CannedAgent) -> None:
    """The deployment that runs or waits now is found by itself."""
    running = answers.deployment(3, status=Status.BUILDING)
    agent.says("GET", "/apps/blog", answers.detail(running=running))
    agent.says("POST", f"{LIST}/3/cancel", answers.deployment(3, status=Status.CANCELLED))
    assert run("cancel", "blog").status == 0
    assert agent.paths()[-1] == f"POST {LIST}/3/cancel"


def test_nothing_to_cancel(run: Run, agent: CannedAgent) -> None:
    """With nothing running the command did nothing, and its status says so."""
    agent.says("GET", "/apps/blog", answers.detail())
    outcome = run("cancel", "blog")
    assert outcome.status == 1
    assert "No deploy of blog runs or waits." in outcome.err


def test_too_late_to_cancel(run: Run, agent: CannedAgent) -> None:
    """A deploy past its migration is not cancelled, and the status says so."""
    agent.refuses("POST", f"{LIST}/12/cancel", NotCancellable("Deploy 12 of blog is migrating."))
    assert run("cancel", "blog", "12").status == 1
