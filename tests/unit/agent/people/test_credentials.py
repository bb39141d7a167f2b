"""What a request may carry, and every trick with it: nothing that is not a good credential opens anything."""

from __future__ import annotations

import secrets
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.errors import AppUnknown, CredentialRefused, SessionEnded, TokenUnknown
from potions.model.access import Role
from potions.schema import TokenAccess, TokenCreate
from support.doors import Doors


@pytest.fixture(scope="module")
def good(doors: Doors) -> str:
    """A credential of an owner."""
    return doors.person(Role.OWNER)[1]._http.headers["authorization"].removeprefix("Bearer ")


WRONG = ["", "Bearer", "Basic {good}", "{good}", "bearer{good}", "Bearer ps_", "Bearer pt_"]
WRONG += ["Bearer {good}x", "Bearer x{good}", "Bearer {good},{good}", "Bearer {good} {good}", "Token {good}"]
WRONG += ["Bearer null", "Bearer undefined", "Bearer ps_%00", "Bearer " + "ps_" + "a" * 4000, "Bearer ps_*"]


@pytest.mark.parametrize("door", ["web", "agent"])
@pytest.mark.parametrize("header", WRONG, ids=lambda header: header[:20])
def test_what_is_no_credential_is_refused(doors: Doors, good: str, header: str, door: str) -> None:
    """Also on the agent's own socket: whoever sends one does not mean to have all rights."""
    answer = doors.raw("GET", "/session", [("Authorization", header.format(good=good))], door)
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] in {"credential-refused", "session-ended", "token-unknown"}
    assert good not in answer.text


@pytest.mark.parametrize("door", ["web", "agent"])
def test_two_credentials_are_none(doors: Doors, good: str, door: str) -> None:
    """Whichever of them is good, and however the header is spelled."""
    for first, second in ((good, "ps_x"), ("ps_x", good), (good, good)):
        headers = [("Authorization", f"Bearer {first}"), ("authorization", f"Bearer {second}")]
        answer = doors.raw("GET", "/session", headers, door)
        assert (answer.status_code, answer.json()["code"]) == (401, "credential-refused")


@pytest.mark.parametrize("spelled", ["authorization", "AUTHORIZATION", "Authorization"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_case_does_not_matter(doors: Doors, good: str, spelled: str, scheme: str) -> None:
    """As HTTP has it."""
    assert doors.raw("GET", "/session", [(spelled, f"{scheme} {good}")]).json()["way"] == "dashboard"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-User", "Potions-User", "X-Forwarded-For", "Forwarded", "X-Original-URL", "Cookie"]
)
def test_no_other_header_says_who_asks(doors: Doors, header: str) -> None:
    """Nor through which socket somebody came."""
    for value in ("root", "agent.sock", "for=root", "/anybody"):
        answer = doors.raw("GET", "/apps", [(header, value)])
        assert answer.json()["code"] == "sign-in-needed"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_no_guess_opens_anything(doors: Doors, text: str) -> None:
    """Whatever it looks like."""
    for prefix in ("", "ps_", "pt_"):
        given = f"Bearer {prefix}{text}".strip()
        assert doors.raw("GET", "/session", [("Authorization", given)]).status_code == 401


def test_what_is_kept_is_no_credential(doors: Doors, good: str) -> None:
    """Whoever reads the database cannot sign in with what is in it; the credentials themselves are not there."""
    owner = doors.for_credential(good)
    token = owner.create_token(TokenCreate("kept", TokenAccess.READ)).credential
    link = doors.own.invite(f"k{secrets.token_hex(4)}", Role.VIEWER).token
    connection = doors.service.context.store._database
    with connection.reading() as reading:
        hashes = [
            row[0]
            for table in ("sessions", "tokens", "invitations")
            for row in reading.exec_driver_sql(f"SELECT hash FROM {table}")
        ]
    for kept in hashes:
        assert len(kept) == 64
        for prefix in ("", "ps_", "pt_"):
            assert doors.raw("GET", "/session", [("Authorization", f"Bearer {prefix}{kept}")]).status_code == 401
        assert doors.raw("GET", f"/invitations/{kept}", []).status_code == 404
    files = b"".join(path.read_bytes() for path in doors.home.state.glob("agent.db*"))
    for secret in (good, token, link):
        assert secret.encode() not in files
        assert secret.removeprefix("ps_").removeprefix("pt_").encode() not in files


# Tricks with paths


TRICKS = ["blog%2fshop", "blog%2f..%2fshop", "../apps/shop", "%2e%2e/shop", "blog/../shop", "shop/", "/shop", "SHOP"]
TRICKS += ["shop%20", "shop%00", "blog%00shop", "shop;blog", "shop?name=blog", "shop%3fname=blog", "sh%6fp", "./shop"]


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("rest", ["", "/variables", "/variables?reveal=true", "/storage/entries"])
def test_a_token_stays_with_its_app(doors: Doors, trick: str, rest: str) -> None:
    """However the path is written: another app is refused, or is nothing at all."""
    token = _one_app_token(doors)
    answer = doors.raw("GET", f"/apps/{trick}{rest}", [("Authorization", f"Bearer {token}")])
    assert answer.status_code in {403, 404, 405}, answer.text
    assert "hidden-value" not in answer.text


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.text(max_size=20))
def test_a_token_finds_no_name_for_another_app(doors: Doors, name: str) -> None:
    """Only its own opens anything."""
    text = quote(name.encode("utf-8", "surrogatepass"), safe="")
    answer = doors.raw("GET", f"/apps/{text}/variables", [("Authorization", f"Bearer {_one_app_token(doors)}")])
    assert answer.status_code in {403, 404, 405} or name == "blog"


_TOKENS: list[str] = []


def _one_app_token(doors: Doors) -> str:
    """For the app blog; made once."""
    if not _TOKENS:
        owner = doors.person(Role.OWNER)[1]
        _TOKENS.append(owner.create_token(TokenCreate("one-app", TokenAccess.WRITE, "blog")).credential)
    return _TOKENS[0]


def test_a_token_does_not_move_to_another_app_of_that_name(doors: Doors) -> None:
    """Its app is deleted, and somebody makes one that is called the same: it opens nothing."""
    doors.app("old")
    owner = doors.person(Role.OWNER)[1]
    token = doors.token(owner, TokenAccess.WRITE, "old")
    assert token.variables("old")
    store = doors.service.context.store
    store.delete_app(store.app("old").id, None)
    with pytest.raises(TokenUnknown):
        token.caller()
    doors.app("old")
    with pytest.raises(TokenUnknown):
        token.variables("old")
    with pytest.raises(AppUnknown):
        owner.create_token(TokenCreate("none", app="nowhere"))


# What has ended


def test_a_session_that_was_signed_out_opens_nothing(doors: Doors) -> None:
    """From the very next request on."""
    client = doors.person(Role.OWNER)[1]
    assert client.sign_out().sessions == 1
    with pytest.raises(SessionEnded):
        client.caller()
    with pytest.raises(SessionEnded):
        client.apps()


def test_a_person_who_is_gone_takes_all_along(doors: Doors) -> None:
    """Sessions, tokens, and the link that was sent."""
    name, client = doors.person(Role.OWNER)
    token = doors.token(client, TokenAccess.READ)
    link = doors.own.invite_again(name)
    assert doors.web.invitation(link.token).name == name
    doors.own.remove_person(name)
    with pytest.raises(SessionEnded):
        client.caller()
    with pytest.raises(TokenUnknown):
        token.caller()
    assert doors.raw("GET", f"/invitations/{link.token}", []).status_code == 404


def test_a_credential_that_no_header_carries_is_refused_before_it_is_sent(doors: Doors) -> None:
    """What a cookie brought may be anything."""
    for text in ("ps_\r\nPotions-From: x", "ps_é", "ps_\x00"):
        with pytest.raises(CredentialRefused):
            doors.for_credential(text)
