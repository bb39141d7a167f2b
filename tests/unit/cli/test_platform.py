"""`potions status`, and `potions` alone: each state of the platform has a next step."""

from __future__ import annotations

import msgspec

from potions.schema import ErrorBody, PlatformStatus, Status
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run


def test_status_shows_parts_apps_and_the_queue(run: Run, agent: CannedAgent) -> None:
    """Everything that runs or should run, in 80 columns."""
    running = [answers.deployment(12, "blog", Status.BUILDING), answers.deployment(3, "shop", Status.QUEUED)]
    agent.says("GET", "/status", answers.platform([answers.summary()], running))
    outcome = run("status")
    assert outcome.status == 0
    for words in ("supervisor", "not running", "http://blog.localhost:8480", "12 of blog", "potions log shop 3 -f"):
        assert words in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_status_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the API's answer."""
    agent.says("GET", "/status", answers.platform([answers.summary()]))
    out = run("status", "--json").out
    assert msgspec.json.decode(out, type=PlatformStatus) == answers.platform([answers.summary()])


def test_status_without_an_agent_fails(run: Run) -> None:
    """A platform that does not run is no success."""
    assert run("status").status == 1


# `potions` alone


def test_alone_and_not_running(run: Run) -> None:
    """The first thing anybody sees: what it is, and the command that starts it."""
    outcome = run()
    assert (outcome.status, outcome.err) == (0, "")
    assert "deploys apps to a server you own" in outcome.out
    assert "potions up" in outcome.out


def test_alone_without_an_app(run: Run, agent: CannedAgent) -> None:
    """Running and empty: the command that makes an app."""
    agent.says("GET", "/status", answers.platform())
    out = run().out
    assert "potions apps create NAME" in out
    assert "potions up" not in out


def test_alone_with_apps(run: Run, agent: CannedAgent) -> None:
    """With apps it is the status, and where the commands are."""
    agent.says("GET", "/status", answers.platform([answers.summary()]))
    out = run().out
    assert "http://blog.localhost:8480" in out
    assert out.endswith("All commands: potions --help\n")


def test_alone_in_json(run: Run, agent: CannedAgent) -> None:
    """`potions --json` is the status, or the error."""
    agent.says("GET", "/status", answers.platform())
    assert msgspec.json.decode(run("--json").out, type=PlatformStatus) == answers.platform()


def test_alone_in_json_and_not_running(run: Run) -> None:
    """Without an agent a script gets an error, not a welcome."""
    outcome = run("--json")
    assert outcome.status == 1
    assert msgspec.json.decode(outcome.err, type=ErrorBody).code == "agent-unreachable"
