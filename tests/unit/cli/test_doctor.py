"""`potions doctor` against an agent with canned answers, and without any agent."""

from __future__ import annotations

import msgspec
import pytest

from potions import __version__
from potions.errors import AppUnknown
from potions.schema import Checkup, ErrorBody, Finding, FixRequest, Looked, Severity, Treated, Treatment
from support import answers
from support.canned_agent import Answer, CannedAgent
from support.command import Run
from support.terminal import Terminal

LONG = "/opt/potions/gallery/.slots/green/" + "slot" * 10
BROKEN = Finding(
    "link-wrong",
    Severity.WARNING,
    f"{LONG} leads to /etc.",
    "gallery",
    LONG,
    "It leads to ../../green.",
    do="potions doctor --fix",
    fix="makes the link anew",
)
DOWN = Finding(
    "live-crashing",
    Severity.ERROR,
    "blue, the live slot of gallery, ends again and again.",
    "gallery",
    "blue",
    "It runs.",
    "ValueError: \x1b]0;evil\x07no database\nand more",
    "See why: potions logs gallery",
)
REMARK = Finding("log-stray", Severity.INFO, "deployment-7.jsonl is the log of no deployment.", "gallery", "x")


def checkup(*findings: Finding, app: str = "", version: str = __version__) -> Checkup:
    looked = [
        Looked("parts", "supervisord, Caddy and the agent", None),
        Looked("entries", "21 links", Severity.WARNING),
    ]
    return Checkup(version, "/home/ann/potions", app, 2, looked, list(findings), 0.2)


# Looking


def test_a_clean_bill_of_health(run: Run, agent: CannedAgent) -> None:
    """It says what was looked at, where to look further, and ends with 0."""
    agent.says("GET", "/doctor", checkup())
    outcome = run("doctor")
    assert (outcome.status, outcome.err) == (0, "")
    for words in ("Potions", "2 apps", "supervisord, Caddy and the agent", "All is well.", "potions doctor APP"):
        assert words in outcome.out
    assert "--fix" not in outcome.out


def test_findings_are_told_with_what_to_run(run: Run, agent: CannedAgent) -> None:
    """What is, what should be, what else was seen, what to type; in 80 columns but for what is to be copied."""
    agent.says("GET", "/doctor", checkup(DOWN, BROKEN, REMARK))
    outcome = run("doctor")
    assert outcome.status == 1
    for words in (
        "error  live-crashing  gallery",
        "should  It runs.",
        "ValueError: no database",
        "and more",
        "See why: potions logs gallery",
        "--fix   makes the link anew",
        "1 error, 1 warning, 1 remark.",
        "Mend what can be mended: potions doctor --fix",
    ):
        assert words in outcome.out
    assert "\x1b" not in outcome.out
    assert max(len(line) for line in outcome.out.splitlines() if LONG not in line) <= 80
    # Where --fix does it, nobody has to be told to run it.
    assert "do      potions doctor --fix" not in outcome.out


def test_remarks_alone_are_no_failure(run: Run, agent: CannedAgent) -> None:
    """For cron only errors and warnings count."""
    agent.says("GET", "/doctor", checkup(REMARK))
    outcome = run("doctor")
    assert outcome.status == 0
    assert "1 remark." in outcome.out


def test_one_app(run: Run, agent: CannedAgent) -> None:
    """It is asked for alone, and mending it is offered with its name."""
    agent.says("GET", "/apps/gallery/doctor", checkup(BROKEN, app="gallery"))
    outcome = run("doctor", "gallery")
    assert outcome.status == 1
    assert agent.paths() == ["GET /apps/gallery/doctor"]
    assert "app gallery" in outcome.out
    assert "potions doctor gallery --fix" in outcome.out


def test_the_answer_in_json(run: Run, agent: CannedAgent) -> None:
    """`--json` prints the API's answer, with the same exit status."""
    agent.says("GET", "/doctor", checkup(BROKEN))
    outcome = run("doctor", "--json")
    assert outcome.status == 1
    assert msgspec.json.decode(outcome.out, type=Checkup) == checkup(BROKEN)


def test_an_unknown_app_and_a_bad_name(run: Run, agent: CannedAgent) -> None:
    """Refused as by every command."""
    agent.refuses("GET", "/apps/galery/doctor", AppUnknown("galery", ["gallery"]))
    outcome = run("doctor", "galery")
    assert outcome.status == 1
    assert "Did you mean gallery?" in outcome.err
    assert run("doctor", "No Name").status == 2


def test_an_agent_of_another_version(run: Run, agent: CannedAgent) -> None:
    """One that answers is asked all the same; one that knows no doctor yet is told to be started anew."""
    agent.says("GET", "/doctor", checkup(version="0.0.9"))
    outcome = run("doctor", "--json")
    assert [finding.code for finding in msgspec.json.decode(outcome.out, type=Checkup).findings] == ["agent-version"]
    agent.answers.clear()
    unknown = ErrorBody("request-refused", "The request does not fit the API: Not Found")
    agent.adds("GET", "/doctor", Answer(404, msgspec.json.encode(unknown)))
    agent.says("GET", "/status", msgspec.structs.replace(answers.platform(), version="0.0.1"))
    outcome = run("doctor")
    assert outcome.status == 1
    assert "agent-version" in outcome.out
    assert "0.0.1" in outcome.out


# Without an agent


def test_where_potions_never_ran(run: Run) -> None:
    """The first thing a newcomer may type: it says how to start, and what a start would meet."""
    outcome = run("doctor")
    assert outcome.status == 1
    assert "never-started" in outcome.out
    assert "potions up" in outcome.out
    assert "Caddy v" in outcome.out
    assert outcome.err == ""


def test_nothing_is_started_that_was_not_asked_for(run: Run) -> None:
    """`--fix` starts parts that are down, and never a Potions that somebody stopped."""
    outcome = run("doctor", "--fix", "--yes")
    assert outcome.status == 1
    assert "nothing here that --fix would do" in outcome.out
    told = run("doctor", "--fix", "--yes", "--json")
    assert msgspec.json.decode(told.out, type=Treatment).treated == []


# Mending


def test_without_somebody_to_ask_nothing_is_mended(run: Run, agent: CannedAgent) -> None:
    """It is refused, after it was said what would be done; and in JSON too."""
    agent.says("GET", "/doctor", checkup(BROKEN))
    outcome = run("doctor", "--fix")
    assert outcome.status == 2
    assert "makes the link anew" in outcome.out
    assert "--yes" in outcome.err
    refused = run("doctor", "--fix", "--json")
    assert msgspec.json.decode(refused.err, type=ErrorBody).code == "not-confirmed"
    assert agent.paths() == ["GET /doctor", "GET /doctor"]


def test_only_what_was_shown_is_mended(run: Run, agent: CannedAgent) -> None:
    """By the keys of what was found, as far as there is a fix for it; then the new state is told."""
    stays = Treated(DOWN, "It was refused.\nBecause.", done=False)
    agent.says("GET", "/doctor", checkup(DOWN, BROKEN))
    agent.says("GET", "/status", answers.platform())
    agent.says("POST", "/doctor/fix", Treatment([Treated(BROKEN, "made the link", done=True), stays], checkup(DOWN)))
    outcome = run("doctor", "--fix", "--yes")
    assert outcome.status == 1
    assert agent.asked[-1].decoded(FixRequest).only == [BROKEN.key]
    assert "made the link" in outcome.out
    assert "live-crashing stays: It was refused. Because." in outcome.out


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_it_asks_in_a_terminal(terminal: Terminal, agent: CannedAgent, typed: str, status: int) -> None:
    """Anything but a yes leaves everything as it is."""
    agent.says("GET", "/apps/gallery/doctor", checkup(BROKEN, app="gallery"))
    agent.says("GET", "/status", answers.platform())
    mended = Treatment([Treated(BROKEN, "made the link", done=True)], checkup(app="gallery"))
    agent.says("POST", "/apps/gallery/doctor/fix", mended)
    with terminal("doctor", "gallery", "--fix") as command:
        command.until("Do it? [y/N] ")
        command.type(typed)
        rest = command.rest()
        assert command.status() == status
    assert ("made the link" in rest) == (status == 0)
    assert ("POST /apps/gallery/doctor/fix" in agent.paths()) == (status == 0)


def test_what_was_mended_in_json(run: Run, agent: CannedAgent) -> None:
    """The API's answer alone, and its state as the exit status."""
    treatment = Treatment([Treated(BROKEN, "made the link", done=True)], checkup(REMARK))
    agent.says("GET", "/doctor", checkup(BROKEN))
    agent.says("GET", "/status", answers.platform())
    agent.says("POST", "/doctor/fix", treatment)
    outcome = run("doctor", "--fix", "--yes", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    assert msgspec.json.decode(outcome.out, type=Treatment) == treatment
