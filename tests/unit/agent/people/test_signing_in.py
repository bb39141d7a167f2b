"""Signing in: by a link, a password, a code; and everything that must not sign anybody in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from potions.client import Behalf, Client
from potions.errors import (
    CodeNeeded,
    CodeRefused,
    CodesAlreadyOn,
    InvitationUnknown,
    LastOwner,
    NameRefused,
    PasswordRefused,
    PersonNeeded,
    PersonTaken,
    PersonUnknown,
    PotionsError,
    SessionEnded,
    SessionUnknown,
    SignInRefused,
    TooManyAttempts,
    UsageRefused,
)
from potions.model.access import Role
from potions.schema import InvitationAccept, SignIn
from potions.service.people import passwords, second_factor
from potions.store import tables
from support.doors import PASSWORD, Doors, open_doors

#: A moment in the middle of a half minute.
NOW = int(time.time()) // 30 * 30 + 15
LATER = "another horse battery"


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the store's clock on."""

    def move(by: timedelta) -> None:
        now = datetime.now(UTC) + by
        monkeypatch.setattr(tables, "now", lambda: now)

    return move


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half minute ends in the middle of a test."""
    monkeypatch.setattr(second_factor, "now", lambda: NOW)


@pytest.fixture
def codes_on(doors: Doors, still: None) -> tuple[str, str, list[str], Client]:
    """Somebody whose codes are on: the name, the secret, the recovery codes, and a client of theirs."""
    name, client = doors.person(Role.DEPLOYER)
    begun = client.begin_codes()
    found = client.confirm_codes(_code(begun.secret, -1))
    return name, begun.secret, found.codes, client


def _code(secret: str, steps: int = 0) -> str:
    """The code of the moment that stands still for these tests, or of so many half minutes from it."""
    return pyotp.TOTP(secret).at(NOW, counter_offset=steps)


def refused(call: Callable[[], object], kind: type[PotionsError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


# The first user


def test_the_first_user_picks_a_name() -> None:
    """By the link that is told while there is no owner; it works once, and the newest alone."""
    with open_doors() as doors:
        assert doors.web.anybody().exists is False
        old, link = doors.own.invite_first(), doors.own.invite_first()
        assert old is not None and link is not None
        refused(lambda: doors.web.invitation(old.token), InvitationUnknown)
        found = doors.web.invitation(link.token)
        assert (found.name, found.role, found.joined) == (None, Role.OWNER, False)
        for name in (None, "", "Anna", "аnna", "a b", "a" * 41, "-a"):
            refused(
                lambda name=name: doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD, name)), NameRefused
            )
        signed_in = doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD, "anna"))
        assert (signed_in.person.name, signed_in.person.role) == ("anna", Role.OWNER)
        assert doors.web.anybody().exists is True
        refused(lambda: doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD, "ben")), InvitationUnknown)
        assert doors.own.invite_first() is None


def test_a_link_for_the_first_user_ends_with_the_first_owner() -> None:
    """Whoever finds it in a terminal later makes nobody an owner by it."""
    with open_doors() as doors:
        link = doors.own.invite_first()
        assert link is not None
        doors.own.invite("anna", Role.OWNER)
        refused(lambda: doors.web.invitation(link.token), InvitationUnknown)


# Links


def test_a_link_works_once(doors: Doors) -> None:
    """Also if many use it in the same moment."""
    link = doors.own.invite(f"l{secrets.token_hex(4)}", Role.VIEWER)

    def use(_: int) -> bool:
        try:
            return bool(doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD)).credential)
        except InvitationUnknown:
            return False

    with ThreadPoolExecutor(6) as many:
        assert sum(many.map(use, range(6))) == 1


def test_a_link_is_good_for_72_hours(doors: Doors, moment: Callable[[timedelta], None]) -> None:
    """And not a minute longer."""
    link = doors.own.invite(f"l{secrets.token_hex(4)}", Role.VIEWER)
    moment(timedelta(hours=71, minutes=59))
    assert doors.web.invitation(link.token).role is Role.VIEWER
    moment(timedelta(hours=72, minutes=1))
    refused(lambda: doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD)), InvitationUnknown)


def test_a_new_link_ends_nothing_until_it_is_used(doors: Doors) -> None:
    """Then the old password is none any more, and every session of before has ended."""
    name, client = doors.person(Role.VIEWER)
    link = doors.own.invite_again(name)
    assert client.caller().name == name
    assert doors.web.sign_in(SignIn(name, PASSWORD)).person.name == name
    assert doors.web.invitation(link.token).joined is True
    doors.web.accept_invitation(link.token, InvitationAccept(LATER))
    refused(client.caller, SessionEnded)
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD)), SignInRefused)
    assert doors.web.sign_in(SignIn(name, LATER)).person.name == name


def test_a_link_is_for_one_person(doors: Doors) -> None:
    """Nobody becomes somebody else by it."""
    link = doors.own.invite(f"l{secrets.token_hex(4)}", Role.VIEWER)
    refused(lambda: doors.web.accept_invitation(link.token, InvitationAccept(PASSWORD, "anna")), UsageRefused)


def test_a_link_is_no_way_around_the_code(doors: Doors, codes_on: tuple[str, str, list[str], Client]) -> None:
    """Who lost the password still has the device; who lost both asks an owner to turn the codes off."""
    name, _, _, _ = codes_on
    link = doors.own.invite_again(name)
    assert doors.web.invitation(link.token).totp is True
    refused(lambda: doors.web.accept_invitation(link.token, InvitationAccept(LATER)), CodeNeeded)
    refused(lambda: doors.web.accept_invitation(link.token, InvitationAccept(LATER, code="000000")), CodeRefused)
    doors.own.reset_codes(name)
    assert doors.web.accept_invitation(link.token, InvitationAccept(LATER)).person.totp is False


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * 201, "x" * 100_000])
def test_a_bad_password_is_refused(doors: Doors, password: str) -> None:
    """With the rule, and without the password; the link still works."""
    link = doors.own.invite(f"l{secrets.token_hex(4)}", Role.VIEWER)
    said = refused(lambda: doors.web.accept_invitation(link.token, InvitationAccept(password)), PasswordRefused)
    assert len(password) < 9 or password not in said
    assert doors.web.invitation(link.token).joined is False


def test_a_name_is_no_password(doors: Doors) -> None:
    """In whatever case."""
    link = doors.own.invite("a-rather-long-name", Role.VIEWER)
    for password in ("a-rather-long-name", "A-Rather-Long-Name", " a-rather-long-name "):
        refused(lambda p=password: doors.web.accept_invitation(link.token, InvitationAccept(p)), PasswordRefused)


# Passwords


def test_a_name_that_nobody_has_is_as_wrong_as_a_password(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer, after the same work: the hasher is asked once in each case."""
    name, _ = doors.person(Role.VIEWER)
    invited = doors.own.invite(f"l{secrets.token_hex(4)}", Role.VIEWER).name
    asked: list[str] = []
    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda known, given: asked.append(known) or real(known, given))
    told = {
        refused(lambda who=who: doors.web.sign_in(SignIn(who, "a wrong password")), SignInRefused)
        for who in (name, "nobody-at-all", invited or "", "", "Ünknown", "x" * 5000, "a' OR 1=1")
    }
    assert len(told) == 1
    assert len(asked) == 7
    assert all(known.startswith("$argon2id$") for known in asked)


def test_a_telephone_begins_a_name_with_a_capital(doors: Doors) -> None:
    """It is the same name."""
    name, _ = doors.person(Role.VIEWER)
    assert doors.web.sign_in(SignIn(f" {name.capitalize()} ", PASSWORD)).person.name == name


def test_a_changed_password_ends_the_other_sessions(doors: Doors) -> None:
    """And not the one it is changed from; the old one opens nothing any more."""
    name, client = doors.person(Role.VIEWER)
    other = doors.for_credential(doors.web.sign_in(SignIn(name, PASSWORD)).credential)
    refused(lambda: client.change_password("a wrong password", LATER), SignInRefused)
    refused(lambda: client.change_password(PASSWORD, "short"), PasswordRefused)
    client.change_password(PASSWORD, LATER)
    assert client.caller().name == name
    refused(other.caller, SessionEnded)
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD)), SignInRefused)


def test_who_fails_often_waits() -> None:
    """Each name, whoever asks; the right password, too. Others are let in."""
    with open_doors() as doors:
        name, _ = doors.person(Role.VIEWER)
        other, _ = doors.person(Role.VIEWER)
        for number in range(5):
            one = doors.web.speaking_for(Behalf(address=f"192.0.2.{number}"))
            refused(lambda one=one: one.sign_in(SignIn(name, "a wrong password")), SignInRefused)
        said = refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD)), TooManyAttempts)
        assert 0 < int(said.split()[1]) <= 60
        answer = doors.web._http.post("/sessions", json={"name": name, "password": PASSWORD})
        assert (answer.status_code, answer.json()["retry"]) == (429, True)
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert doors.web.sign_in(SignIn(other, PASSWORD)).person.name == other


def test_many_at_the_same_time_are_as_many_attempts() -> None:
    """Nobody tries a hundred passwords by sending them at once; nor many names from one address."""
    with open_doors() as doors:
        name, _ = doors.person(Role.VIEWER)

        def attempt(who: str, address: str) -> type[PotionsError]:
            try:
                doors.web.speaking_for(Behalf(address=address)).sign_in(SignIn(who, "a wrong password"))
            except PotionsError as error:
                return type(error)
            raise AssertionError("signed in")

        with ThreadPoolExecutor(12) as many:
            one_name = list(many.map(lambda n: attempt(name, f"192.0.2.{n}"), range(12)))
            one_address = list(many.map(lambda n: attempt(f"n{n}", "198.51.100.1"), range(12)))
        assert sorted(one_name, key=str) == [SignInRefused] * 5 + [TooManyAttempts] * 7
        assert sorted(one_address, key=str) == [SignInRefused] * 5 + [TooManyAttempts] * 7


# Codes


def test_a_code_is_needed_after_a_right_password_alone(
    doors: Doors, codes_on: tuple[str, str, list[str], Client]
) -> None:
    """Who guesses passwords does not learn that there are codes."""
    name, secret, _, _ = codes_on
    refused(lambda: doors.web.sign_in(SignIn(name, "a wrong password")), SignInRefused)
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD)), CodeNeeded)
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, "")), CodeNeeded)
    assert doors.web.sign_in(SignIn(name, PASSWORD, _code(secret))).person.totp is True


def test_a_code_is_good_once(doors: Doors, codes_on: tuple[str, str, list[str], Client]) -> None:
    """Neither again, nor one from before it, nor the one that turned codes on."""
    name, secret, _, _ = codes_on
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, _code(secret, -1))), CodeRefused)
    code = _code(secret, 1)
    assert doors.web.sign_in(SignIn(name, PASSWORD, f"{code[:3]} {code[3:]}")).credential
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, code)), CodeRefused)
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, _code(secret, -1))), CodeRefused)


@pytest.mark.parametrize("code", ["000000", "٠١٢٣٤٥", "12345", "1234567", "x" * 5000, "' OR 1=1", "\x00"])
def test_a_wrong_code_is_refused(doors: Doors, codes_on: tuple[str, str, list[str], Client], code: str) -> None:
    """Whatever it is made of; one that is two half minutes off, too."""
    name, secret, _, _ = codes_on
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, code)), CodeRefused)
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, _code(secret, 3))), CodeRefused)


def test_a_recovery_code_is_good_once(doors: Doors, codes_on: tuple[str, str, list[str], Client]) -> None:
    """Ten of them, each for the day the device is lost; in either case, with or without dashes."""
    name, _, codes, _ = codes_on
    assert len(set(codes)) == 10
    assert doors.web.sign_in(SignIn(name, PASSWORD, codes[0])).credential
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, codes[0])), CodeRefused)
    assert doors.web.sign_in(SignIn(name, PASSWORD, codes[1].upper().replace("-", " "))).credential
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, codes[1])), CodeRefused)


def test_codes_count_once_one_was_seen(doors: Doors, still: None) -> None:
    """A secret that was looked at and never confirmed locks nobody out."""
    name, client = doors.person(Role.VIEWER)
    refused(lambda: client.confirm_codes("000000"), CodesAlreadyOn)
    first = client.begin_codes()
    begun = client.begin_codes()
    refused(lambda: client.confirm_codes(_code(first.secret)), CodeRefused)
    assert doors.web.sign_in(SignIn(name, PASSWORD)).credential
    assert begun.uri.startswith(f"otpauth://totp/Potions:{name}?secret={begun.secret}")
    client.confirm_codes(_code(begun.secret))
    refused(client.begin_codes, CodesAlreadyOn)
    refused(lambda: client.confirm_codes(_code(begun.secret, 1)), CodesAlreadyOn)


def test_codes_are_turned_off_by_the_password(doors: Doors, codes_on: tuple[str, str, list[str], Client]) -> None:
    """Which ends the other sessions; the recovery codes are gone with them."""
    name, secret, codes, client = codes_on
    other = doors.for_credential(doors.web.sign_in(SignIn(name, PASSWORD, _code(secret))).credential)
    refused(lambda: client.end_codes("a wrong password"), SignInRefused)
    client.end_codes(PASSWORD)
    refused(other.caller, SessionEnded)
    assert doors.web.sign_in(SignIn(name, PASSWORD)).person.totp is False
    client.confirm_codes(_code(client.begin_codes().secret))
    refused(lambda: doors.web.sign_in(SignIn(name, PASSWORD, codes[0])), CodeRefused)


# Sessions


def test_sessions_are_listed_and_ended(doors: Doors) -> None:
    """With what tells them apart; nobody sees or ends anybody else's but an owner."""
    name, client = doors.person(Role.VIEWER)
    signed_in = doors.web.speaking_for(Behalf(None, "2001:db8::1", "Mozilla/5.0 Fox")).sign_in(SignIn(name, PASSWORD))
    other = doors.for_credential(signed_in.credential)
    found = client.sessions()
    assert [(one.agent, one.address, one.current) for one in found if not one.current] == [
        ("Mozilla/5.0 Fox", "2001:db8::1", False)
    ]
    assert sum(one.current for one in found) == 1
    _, stranger = doors.person(Role.DEPLOYER)
    which = next(one.id for one in found if not one.current)
    refused(lambda: stranger.end_session(which), SessionUnknown)
    assert client.end_session(which).person == name
    refused(other.caller, SessionEnded)
    again = doors.for_credential(doors.web.sign_in(SignIn(name, PASSWORD)).credential)
    assert client.end_sessions().sessions == 1
    refused(again.caller, SessionEnded)
    assert doors.own.end_sessions(name).sessions == 1
    refused(client.caller, SessionEnded)


def test_a_session_ends_by_itself(doors: Doors, moment: Callable[[timedelta], None]) -> None:
    """After 14 days without use, and after 90 in any case. Use is written once a minute at most."""
    _, client = doors.person(Role.VIEWER)
    began = client.sessions()[0]
    moment(timedelta(seconds=30))
    assert client.sessions()[0].used == began.used
    for days in range(10, 90, 10):
        moment(timedelta(days=days))
        assert client.caller().expires is not None
    moment(timedelta(days=91))
    refused(client.caller, SessionEnded)
    moment(timedelta())
    _, idle = doors.person(Role.VIEWER)
    moment(timedelta(days=14, minutes=1))
    refused(idle.caller, SessionEnded)


def test_a_person_is_needed_where_it_is_about_one(doors: Doors) -> None:
    """A system user has no password here, and no session."""
    for call in (doors.own.begin_codes, doors.own.sign_out, doors.own.end_sessions):
        refused(call, PersonNeeded)
    refused(lambda: doors.own.change_password(PASSWORD, LATER), PersonNeeded)


# People


@pytest.mark.parametrize(
    "name", ["", "Anna", "аnna", "anna ", "an na", "1anna", ".anna", "a" * 41, "an\u200bna", "ﬁ", "a/b"]
)
def test_a_name_that_could_be_mistaken_is_refused(doors: Doors, name: str) -> None:
    """Letters of other alphabets that look alike, spaces, capitals: with the rule."""
    assert "lower-case" in refused(lambda: doors.own.invite(name, Role.VIEWER), NameRefused)


def test_a_name_is_taken_once(doors: Doors) -> None:
    """Two people are never one in the histories."""
    name, _ = doors.person(Role.VIEWER)
    refused(lambda: doors.own.invite(name, Role.OWNER), PersonTaken)
    for call in (doors.own.invite_again, doors.own.remove_person, doors.own.end_sessions, doors.own.reset_codes):
        refused(lambda call=call: call("nobody-here"), PersonUnknown)


def test_the_last_owner_stays() -> None:
    """As long as nobody else could sign in as one: who was only invited does not count."""
    with open_doors() as doors:
        name, client = doors.person(Role.OWNER)
        doors.own.invite("invited", Role.OWNER)
        for asking in (client, doors.own):
            refused(lambda asking=asking: asking.remove_person(name), LastOwner)
            refused(lambda asking=asking: asking.set_role(name, Role.DEPLOYER), LastOwner)
        assert client.set_role(name, Role.OWNER).role is Role.OWNER
        doors.own.remove_person("invited")
        second, _ = doors.person(Role.OWNER)
        assert client.set_role(name, Role.VIEWER).role is Role.VIEWER
        refused(lambda: doors.own.remove_person(second), LastOwner)
