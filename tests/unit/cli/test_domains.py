"""`potions domains` against an agent with canned answers, and what is said of an app without a domain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from potions.client.wire import segment
from potions.errors import DomainElsewhere
from potions.schema import (
    AppDomains,
    Certificate,
    CertificateState,
    DnsCheck,
    DomainAdd,
    DomainEntry,
    DomainsChanged,
    HostOutcome,
    LostDomain,
    Person,
    Role,
)
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run

DOMAINS = "/apps/blog/domains"
NAME = "blog.example.com"
EXPECTED = ["A 203.0.113.7"]
RIGHT = DnsCheck(True, EXPECTED, EXPECTED)
WRONG = DnsCheck(False, ["A 198.51.100.9"], EXPECTED, "It leads to 198.51.100.9.", "Replace it.")
UNTIL = datetime(2027, 2, 20, 12, 0, tzinfo=UTC)


def found(*domains: DomainEntry, **more: Any) -> AppDomains:
    told = {"address": f"https://{NAME}", "lost": [], "expected": EXPECTED, "on_server": True, **more}
    return AppDomains("blog", domains=list(domains), **told)


def changed(host: HostOutcome = HostOutcome.CHANGED, **more: Any) -> DomainsChanged:
    return DomainsChanged(**{"name": NAME, "primary": NAME, "host": host, "host_says": NAME, **more})


def test_the_list_says_how_each_stands(run: Run, agent: CannedAgent) -> None:
    """DNS, certificate, which is the primary, and what is wrong with which; DNS is asked for."""
    agent.says(
        "GET",
        DOMAINS,
        found(
            DomainEntry(NAME, NAME, True, dns=RIGHT, certificate=Certificate(CertificateState.VALID, "R11", UNTIL)),
            DomainEntry("a.example", "a.example", False, dns=WRONG, certificate=Certificate(CertificateState.COMING)),
            DomainEntry(
                "xn--bcher-kva.example",
                "bücher.example (xn--bcher-kva.example)",
                False,
                dns=RIGHT,
                certificate=Certificate(CertificateState.FAILED, failure="the authority\x1b says no"),
            ),
            DomainEntry("blog.apps.example", "blog.apps.example", False, True, dns=RIGHT),
        ),
    )
    outcome = run("domains", "list", "blog")
    assert agent.asked[-1].query == {"look": "true"}
    text = " ".join(outcome.out.split())
    for words in (
        f"{NAME} primary leads here until Sat 20 Feb",
        "R11",
        "a.example does not lead here being got",
        "a.example: It leads to 198.51.100.9. Found: A 198.51.100.9. Replace it.",
        "no certificate at the last try: the authority",
        "by itself",
    ):
        assert words in text, text
    assert "\x1b" not in outcome.out


def test_an_app_without_one_is_told_which_record_to_make(run: Run, agent: CannedAgent) -> None:
    """On somebody's own computer there are none to make."""
    agent.says("GET", DOMAINS, found(address=""))
    out = run("domains", "list", "blog").out
    assert "Make a DNS record that leads here: A 203.0.113.7" in out
    assert "potions domains add blog DOMAIN" in out
    agent.answers.clear()
    agent.says("GET", DOMAINS, found(address="http://blog.localhost:8480", expected=[], on_server=False))
    assert "on this computer alone, at http://blog.localhost:8480" in run("domains", "list", "blog").out


def test_lost_domains_are_told(run: Run, agent: CannedAgent) -> None:
    """With who has each now, or that nobody has."""
    lost = [LostDomain("a.example", "a.example", "shop"), LostDomain("b.example", "b.example", "")]
    agent.says("GET", DOMAINS, found(lost=lost))
    out = run("domains", "list", "blog").out
    assert "a.example went to shop while blog was deleted." in out
    assert "b.example was taken while blog was deleted, and is free again: potions domains add blog b.example" in out


def test_adding_says_what_follows(run: Run, agent: CannedAgent) -> None:
    """Where it answers, and how the app learns of it."""
    agent.says("POST", DOMAINS, changed())
    outcome = run("domains", "add", "blog", NAME)
    assert agent.asked[-1].decoded(DomainAdd) == DomainAdd(NAME)
    assert outcome.status == 0
    assert f"blog answers at https://{NAME}" in outcome.out
    assert f"PHX_HOST is {NAME} now. Let the app know: potions redeploy blog" in outcome.out


def test_a_name_in_another_alphabet_is_told_both_ways(run: Run, agent: CannedAgent) -> None:
    """So that two that look alike can be told apart."""
    agent.says("POST", DOMAINS, changed(name="xn--bcher-kva.example"))
    out = run("domains", "add", "blog", "bücher.example").out
    assert "https://bücher.example (xn--bcher-kva.example)" in out


def test_a_check_can_be_skipped_with_a_warning(run: Run, agent: CannedAgent) -> None:
    """Which goes to standard error."""
    agent.says("POST", DOMAINS, changed(warnings=["DNS knows no such name."]))
    outcome = run("domains", "add", "blog", NAME, "--skip-dns-check")
    assert agent.asked[-1].decoded(DomainAdd) == DomainAdd(NAME, skip_dns_check=True)
    assert outcome.status == 0
    assert "Warning: DNS knows no such name." in outcome.err


def test_a_refusal_is_told_and_ends_with_its_status(run: Run, agent: CannedAgent) -> None:
    """As every other one."""
    agent.refuses("POST", DOMAINS, DomainElsewhere("It does not lead here.", why="Found: A 198.51.100.9."))
    outcome = run("domains", "add", "blog", NAME)
    assert outcome.status == 1
    assert "Found: A 198.51.100.9." in outcome.err


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (HostOutcome.EDITED, f"potions env set blog PHX_HOST={NAME}"),
        (HostOutcome.REMOVED, "stays away"),
        (HostOutcome.SAME, ""),
    ],
)
def test_what_became_of_the_variable_is_said(run: Run, agent: CannedAgent, host: HostOutcome, words: str) -> None:
    """Where it stays as it is, with what would change it."""
    agent.says("POST", f"{DOMAINS}/{segment(NAME)}/primary", changed(host))
    outcome = run("domains", "primary", "blog", NAME)
    assert words in outcome.out
    assert "potions redeploy" not in outcome.out


def test_removing_asks_for_the_name(run: Run, agent: CannedAgent) -> None:
    """Without a terminal it has to be said to be meant; then the next one is told."""
    agent.says("GET", DOMAINS, found(DomainEntry(NAME, NAME, True)))
    outcome = run("domains", "remove", "blog", NAME)
    assert (outcome.status, [asked.method for asked in agent.asked]) == (2, ["GET"])
    agent.says("DELETE", f"{DOMAINS}/{segment(NAME)}", changed(primary="www.example.com", host_says="www.example.com"))
    outcome = run("domains", "remove", "blog", NAME, "--yes")
    assert outcome.status == 0
    assert "Its primary domain is www.example.com." in outcome.out


def test_nobody_is_asked_about_a_domain_that_is_not_there(run: Run, agent: CannedAgent) -> None:
    """A misspelt one is told with what was meant, before its name has to be typed."""
    agent.says("GET", DOMAINS, found(DomainEntry(NAME, NAME, True)))
    for meant, words in (("blg.example.com", f"Did you mean {NAME}?"), ("https://x", "not a domain alone")):
        outcome = run("domains", "remove", "blog", meant)
        assert words in outcome.err
        assert "was not confirmed" not in outcome.err
    assert {asked.method for asked in agent.asked} == {"GET"}


@pytest.mark.parametrize("words", [("list", "blog"), ("add", "blog", NAME), ("primary", "blog", NAME)])
def test_every_one_prints_the_answer_as_json(run: Run, agent: CannedAgent, words: tuple[str, ...]) -> None:
    """And nothing else."""
    agent.says("GET", DOMAINS, found())
    agent.says("POST", DOMAINS, changed())
    agent.says("POST", f"{DOMAINS}/{segment(NAME)}/primary", changed())
    outcome = run("domains", *words, "--json")
    kind = AppDomains if words[0] == "list" else DomainsChanged
    msgspec.json.decode(outcome.out, type=kind)


def test_open_says_how_an_app_gets_an_address(run: Run, agent: CannedAgent) -> None:
    """On a server where it has none; nothing is printed that a script would take for one."""
    none = answers.detail(summary=msgspec.structs.replace(answers.summary(), address=""))
    agent.says("GET", "/apps/blog", none)
    outcome = run("open", "blog")
    assert (outcome.status, outcome.out) == (1, "")
    assert "potions domains add blog DOMAIN" in outcome.err
    assert "none yet; give it one: potions domains add blog DOMAIN" in run("apps", "show", "blog").out


def test_a_dashboard_without_a_domain_is_reached_through_ssh(run: Run, agent: CannedAgent) -> None:
    """The command says how; at a domain of its own there is nothing to say."""
    agent.says("GET", "/people", [Person("anna", Role.OWNER, totp=False, joined=True, created=UNTIL)])
    status = answers.platform()
    for address, words in (("http://potions.localhost:8480", True), ("https://potions.example.com", False)):
        agent.answers.pop(("GET", "/status"), None)
        agent.says("GET", "/status", msgspec.structs.replace(status, dashboard=address, host="box.example.com"))
        outcome = run("dashboard")
        assert f"The dashboard: {address}" in outcome.out
        assert ("ssh -L 8480:127.0.0.1:8480 USER@box.example.com" in outcome.out) is words
