"""`potions rollback`: what is said before it begins, what it asks for, and what it says at the end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potions.errors import NeverServed, NothingToRollBackTo
from potions.schema import (
    Colour,
    Deployment,
    Kind,
    Phase,
    RollbackPreview,
    RollbackRequest,
    RollbackVariables,
    RollbackWay,
    Status,
)
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run

ROUTE = "/apps/blog/rollback"
BACK = answers.deployment(4, kind=Kind.ROLLBACK, target=2, release=answers.release("r2"))


def ready(agent: CannedAgent, ended: Deployment = BACK, **more: Any) -> None:
    """An agent that goes back, with the given end."""
    agent.says("POST", ROUTE, ended)
    agent.says("GET", "/apps/blog/deployments/4", ended)
    agent.streams("/apps/blog/deployments/4/events", answers.good_deploy())
    agent.says("GET", "/apps/blog", answers.detail(serves=4, **more))


def test_a_rollback_begins_at_once_and_is_followed(run: Run, agent: CannedAgent) -> None:
    """Nothing is asked before, neither the person nor the agent; then its steps, and what serves again."""
    drains = msgspec.structs.replace(answers.slot(Colour.BLUE, number=3), phase=Phase.RUNNING, draining=True)
    ready(agent, slots=[drains])
    outcome = run("rollback", "blog")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("Rollback 4 of blog: r2")
    assert "blog serves r2 now from green" in outcome.out
    assert "finishes its last requests" in outcome.out
    assert "saved, not live" not in outcome.out
    assert agent.paths()[0] == f"POST {ROUTE}"
    assert agent.asked[0].decoded(RollbackRequest) == RollbackRequest()


@pytest.mark.parametrize("words", [("--to", "r2"), ("--to=r2",), ("r2",)])
def test_an_older_release_is_named(run: Run, agent: CannedAgent, words: tuple[str, ...]) -> None:
    """With the option, or as people type it in a hurry."""
    ready(agent)
    agent.says("GET", ROUTE, answers.preview())
    assert run("rollback", "blog", *words).status == 0
    assert agent.asked[1].decoded(RollbackRequest) == RollbackRequest("r2")


def test_todays_variables_are_asked_for(run: Run, agent: CannedAgent) -> None:
    """The preview and the rollback are of the same thing."""
    ready(agent)
    agent.says("GET", ROUTE, answers.preview())
    run("rollback", "blog", "--env", "current")
    assert agent.asked[0].query == {"env": "current"}
    assert agent.asked[1].decoded(RollbackRequest) == RollbackRequest(None, RollbackVariables.CURRENT)


@pytest.mark.parametrize(
    ("preview", "lines"),
    [
        (answers.preview(), []),
        (answers.preview(RollbackWay.RUNNING), []),
        (
            answers.preview(RollbackWay.UNPACK, builds=True, seconds=42.4),
            ["r2 is in no slot any more: it is unpacked and built again, which took 42 s last time."],
        ),
        (
            answers.preview(RollbackWay.UNPACK, seconds=0.31),
            ["r2 is in no slot any more: it is unpacked again, which took 0.3 s last time."],
        ),
        (answers.preview(RollbackWay.UNPACK), ["r2 is in no slot any more: it is unpacked again."]),
        (answers.preview(variables=["A", "FEATURE_X"]), ["Variables that change with it: A, FEATURE_X."]),
    ],
)
def test_what_a_person_may_not_expect_is_said_before(
    run: Run, agent: CannedAgent, preview: RollbackPreview, lines: list[str]
) -> None:
    """And it goes on without a question: it is the emergency exit."""
    ready(agent)
    agent.says("GET", ROUTE, preview)
    out = run("rollback", "blog", "--to", "r2").out.splitlines()
    assert out[: len(lines) + 1] == [*lines, "Rollback 4 of blog: r2 (blog-2.tar.gz)"]


def test_variables_that_are_not_live_afterwards_are_told(run: Run, agent: CannedAgent) -> None:
    """Those of then came back, so what is saved may differ."""
    ready(agent, unsaved=3)
    assert "Variables that are saved, not live: 3. See them: potions env list blog" in run("rollback", "blog").out


def test_a_dry_run_changes_nothing(run: Run, agent: CannedAgent) -> None:
    """It says what would happen, and the command that does it."""
    preview = answers.preview(RollbackWay.UNPACK, builds=True, seconds=42.0, variables=["A", "B"], not_live=["B"])
    agent.says("GET", ROUTE, preview)
    outcome = run("rollback", "blog", "--to", "r2", "--env", "current", "--dry-run")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "A rollback of blog would bring back r2 (deploy 2).",
        "  sent as    blog-2.tar.gz",
        "  now        r3 (deploy 3) serves",
        "  how        it is unpacked and built again, which took 42 s last time",
        "  variables  these change: A, B",
        "             saved, not live afterwards: B",
        "Do it: potions rollback blog --to r2 --env current",
    ]
    assert agent.paths() == [f"GET {ROUTE}"]


@pytest.mark.parametrize(
    ("way", "words"), [(RollbackWay.RUNNING, "takes a moment"), (RollbackWay.HELD, "only started")]
)
def test_a_dry_run_without_a_target(run: Run, agent: CannedAgent, way: RollbackWay, words: str) -> None:
    """What served before is in its slot, or runs there still."""
    agent.says("GET", ROUTE, answers.preview(way))
    out = run("rollback", "blog", "--dry-run").out
    assert words in out
    assert "none changes" in out
    assert out.endswith("Do it: potions rollback blog\n")


def test_a_dry_run_in_json_is_the_preview(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the API's answer and nothing else."""
    agent.says("GET", ROUTE, answers.preview())
    out = run("rollback", "blog", "--dry-run", "--json").out
    assert msgspec.json.decode(out, type=RollbackPreview) == answers.preview()


def test_in_json_it_waits_and_prints_the_deployment(run: Run, agent: CannedAgent) -> None:
    """Nothing is said before."""
    ready(agent)
    assert msgspec.json.decode(run("rollback", "blog", "--to", "r2", "--json").out, type=Deployment) == BACK
    assert agent.paths()[0] == f"POST {ROUTE}"


def test_a_rollback_that_failed_says_what_serves(run: Run, agent: CannedAgent) -> None:
    """The error, what still serves, and status 1."""
    ready(agent, msgspec.structs.replace(answers.failed(4), kind=Kind.ROLLBACK, status=Status.FAILED))
    outcome = run("rollback", "blog")
    assert outcome.status == 1
    assert "Rollback 4 of blog failed. It ended before it answered." in outcome.err


@pytest.mark.parametrize(
    "error", [NothingToRollBackTo("blog"), NeverServed("r3 of blog never served.", why="It failed.")]
)
@pytest.mark.parametrize("words", [(), ("--to", "r3"), ("--dry-run",)])
def test_a_refusal_is_printed(run: Run, agent: CannedAgent, error: Exception, words: tuple[str, ...]) -> None:
    """Whether it comes before or with the rollback itself."""
    agent.refuses("POST", ROUTE, error)
    agent.refuses("GET", ROUTE, error)
    outcome = run("rollback", "blog", *words)
    assert outcome.status == 1
    assert outcome.err.startswith(f"Error: {error.what}")


@pytest.mark.parametrize("words", [("--env", "today"), ("r1", "r2"), ("--to",)])
def test_words_that_do_not_fit_are_refused(run: Run, agent: CannedAgent, words: tuple[str, ...]) -> None:
    """Before anything is asked for."""
    outcome = run("rollback", "blog", *words)
    assert outcome.status == 2
    assert "potions rollback --help" in outcome.err
    assert agent.asked == []
