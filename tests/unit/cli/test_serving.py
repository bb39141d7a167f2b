"""`potions open`, `stop`, `start` and `restart`."""

from __future__ import annotations

import msgspec
import pytest

from potions.errors import AppUnknown, NothingDeployed
from potions.schema import AppDetail
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run


def test_open_prints_the_address_alone(run: Run, agent: CannedAgent) -> None:
    """In a pipe there is the address and nothing else, so that `curl "$(potions open blog)"` works."""
    agent.says("GET", "/apps/blog", answers.detail())
    outcome = run("open", "blog")
    assert (outcome.status, outcome.out, outcome.err) == (0, "http://blog.localhost:8480\n", "")


def test_open_says_that_nothing_serves_yet(run: Run, agent: CannedAgent) -> None:
    """The address of an app without a release comes with a word on standard error."""
    agent.says("GET", "/apps/blog", answers.detail(serves=None))
    outcome = run("open", "blog")
    assert outcome.out == "http://blog.localhost:8480\n"
    assert "potions deploy PATH --app blog" in outcome.err


@pytest.mark.parametrize(
    ("verb", "state", "hint"),
    [
        ("stop", "stopped", "potions start blog"),
        ("start", "running", "potions open blog"),
        ("restart", "running", "potions logs blog -f"),
    ],
)
def test_each_verb_asks_for_itself(run: Run, agent: CannedAgent, verb: str, state: str, hint: str) -> None:
    """The state afterwards is told, and what one may want next."""
    agent.says("POST", f"/apps/blog/{verb}", answers.detail(state=state))
    outcome = run(verb, "blog")
    assert outcome.status == 0
    assert outcome.out.startswith(f"blog: {state}\n")
    assert hint in outcome.out
    assert agent.paths() == [f"POST /apps/blog/{verb}"]


def test_the_answer_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the app as the API answers it."""
    agent.says("POST", "/apps/blog/stop", answers.detail())
    assert msgspec.json.decode(run("stop", "blog", "--json").out, type=AppDetail) == answers.detail()


def test_an_unknown_app(run: Run, agent: CannedAgent) -> None:
    """A name nobody has is told, with those close to it."""
    agent.refuses("POST", "/apps/blogg/restart", AppUnknown("blogg", ["blog"]))
    outcome = run("restart", "blogg")
    assert outcome.status == 1
    assert "Did you mean blog?" in outcome.err


def test_nothing_to_start(run: Run, agent: CannedAgent) -> None:
    """An app without a release cannot be started, and says why."""
    agent.refuses("POST", "/apps/blog/start", NothingDeployed("blog"))
    outcome = run("start", "blog")
    assert (outcome.status, outcome.out) == (1, "")
    assert "potions deploy PATH --app blog" in outcome.err
