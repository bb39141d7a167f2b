"""`potions users`, `tokens` and `audit`: what is shown, what is asked, what a secret is printed with."""

from __future__ import annotations

import msgspec

from potions.model.access import Role, TokenAccess, Way
from potions.schema import (
    AuditEntry,
    Ended,
    InvitationLink,
    Person,
    PersonCreate,
    Token,
    TokenCreate,
    TokenMade,
)
from support import answers
from support.answers import NOW
from support.canned_agent import CannedAgent
from support.command import Run

ANNA = Person("anna", Role.OWNER, totp=True, joined=True, created=NOW, seen=NOW)
BEN = Person("ben", Role.VIEWER, totp=False, joined=False, created=NOW, invited_until=NOW)
LINK = InvitationLink("a-token", "ben", Role.DEPLOYER, NOW)
TOKEN = Token(3, "ci", "pt_abcde", "anna", TokenAccess.WRITE, "blog", NOW)


def test_people_are_listed(run: Run, agent: CannedAgent) -> None:
    """With what they sign in with, and who has not come yet."""
    agent.says("GET", "/people", [ANNA, BEN])
    out = run("users", "list").out
    for words in ("anna", "owner", "password and code", "ben", "viewer", "link sent", "link until"):
        assert words in out
    assert msgspec.json.decode(run("users", "list", "--json").out, type=list[Person]) == [ANNA, BEN]


def test_an_invitation_is_a_link(run: Run, agent: CannedAgent) -> None:
    """To the dashboard of this home, told once."""
    agent.says("POST", "/people", LINK, 201)
    agent.says("GET", "/status", answers.platform())
    outcome = run("users", "invite", "ben", "--role", "deployer")
    assert agent.asked[0].decoded(PersonCreate) == PersonCreate("ben", Role.DEPLOYER)
    assert "http://potions.localhost:8480/welcome/a-token" in outcome.out
    agent.says("POST", "/people/ben/invitation", LINK, 201)
    assert "/welcome/a-token" in run("users", "link", "ben").out
    found = msgspec.json.decode(run("users", "link", "ben", "--json").out, type=InvitationLink)
    assert found.token == "a-token"


def test_who_is_invited_may_look_at_first(run: Run, agent: CannedAgent) -> None:
    """More than that has to be said."""
    agent.says("POST", "/people", LINK, 201)
    agent.says("GET", "/status", answers.platform())
    run("users", "invite", "ben")
    assert agent.asked[0].decoded(PersonCreate).role is Role.VIEWER


def test_removing_somebody_is_confirmed(run: Run, agent: CannedAgent) -> None:
    """By the name; a script says --yes."""
    agent.says("GET", "/tokens", [TOKEN])
    agent.says("DELETE", "/people/anna", ANNA)
    outcome = run("users", "remove", "anna")
    assert outcome.status == 2 and "one API token stops" in outcome.err
    assert "DELETE /people/anna" not in agent.paths()
    assert run("users", "remove", "anna", "--yes").out == "anna is removed.\n"


def test_roles_sessions_and_codes(run: Run, agent: CannedAgent) -> None:
    """Each in one word."""
    agent.says("PATCH", "/people/anna", ANNA)
    agent.says("DELETE", "/sessions", Ended(2))
    agent.says("DELETE", "/people/ben/totp", None)
    assert run("users", "role", "anna", "owner").out == "anna is owner now.\n"
    assert run("users", "sign-out", "ben").out == "2 sessions of ben ended.\n"
    assert agent.asked[-1].query == {"person": "ben"}
    assert "without a code" in run("users", "codes-off", "ben").out


def test_a_token_stands_alone_on_standard_output(run: Run, agent: CannedAgent) -> None:
    """So that it can be piped to where it belongs."""
    agent.says("POST", "/tokens", TokenMade(TOKEN, "pt_abcdefgh"), 201)
    outcome = run("tokens", "create", "ci", "--app", "blog", "--write", "--days", "90", "--person", "anna")
    assert outcome.out == "pt_abcdefgh\n"
    assert "shown only now" in outcome.err and "pt_abcdefgh" not in outcome.err
    assert agent.asked[0].decoded(TokenCreate) == TokenCreate("ci", TokenAccess.WRITE, "blog", 90, "anna")


def test_tokens_are_listed_and_revoked(run: Run, agent: CannedAgent) -> None:
    """Known by name and first characters; revoking one is confirmed."""
    agent.says("GET", "/tokens", [TOKEN])
    agent.says("DELETE", "/tokens/3", TOKEN)
    out = run("tokens", "list").out
    for words in ("3", "ci", "pt_abcde…", "anna", "write", "blog", "never", "for good"):
        assert words in out
    assert run("tokens", "revoke", "3").status == 2
    assert run("tokens", "revoke", "4").err.startswith("Error: There is no such token.")
    assert run("tokens", "revoke", "3", "--yes").out == "ci of anna is revoked.\n"


def test_the_log_is_shown_harmless(run: Run, agent: CannedAgent) -> None:
    """Whatever somebody typed as a name; refusals stand out by their code."""
    entry = AuditEntry(7, NOW, "anna", Way.DASHBOARD, "::1", "deploy", "blog", "x\x1b[2Jy", "role-needed")
    agent.says("GET", "/audit", [entry])
    out = run("audit", "--app", "blog", "--person", "anna", "-n", "5").out
    assert agent.asked[0].query == {"limit": "5", "app": "blog", "person": "anna"}
    assert "role-needed" in out and "\x1b" not in out
    assert run("audit", "-n", "0").status == 2


# Where the dashboard is


def test_the_first_link_is_told_while_there_is_no_owner(run: Run, agent: CannedAgent) -> None:
    """Afterwards it is the dashboard's address, and no link is made."""
    agent.says("GET", "/status", answers.platform())
    agent.says("GET", "/people", [BEN])
    agent.says("POST", "/invitations", InvitationLink("first", None, Role.OWNER, NOW), 201)
    assert "http://potions.localhost:8480/welcome/first" in run("dashboard").out
    assert "/welcome/first" in run("dashboard", "--json").out
    agent.answers.clear()
    agent.says("GET", "/status", answers.platform())
    agent.says("GET", "/people", [ANNA])
    assert run("dashboard").out.strip() == "The dashboard: http://potions.localhost:8480"
    assert run("dashboard", "--json").out == '{"address":"http://potions.localhost:8480","first_user_until":null}\n'
