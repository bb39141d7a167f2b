"""Signing in and out, sessions, links, and passwords."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from potions.errors import PersonNeeded, SignInRefused, UsageRefused
from potions.model.access import Principal
from potions.model.person import Session, refuse_password
from potions.names import PERSON_NAME_MAX, PersonName, parse_person_name
from potions.schema import Anybody, Ended, Invitation, InvitationAccept, PasswordChange, SignedIn, SignIn
from potions.service.people.attempts import Attempts
from potions.service.people.credentials import SESSION, hashed, new_secret
from potions.service.people.passwords import fits, hash_password
from potions.service.people.second_factor import SecondFactorService, own_record
from potions.store.records import InvitationRecord, PersonRecord
from potions.store.store import Store

_AGENT_MAX = 200


@dataclass(frozen=True)
class Origin:
    """Where a sign-in comes from, for people to know it by."""

    address: str = ""
    agent: str = ""


class SigningIn:
    """What those may ask who are not signed in yet, and what ends it."""

    def __init__(self, store: Store, attempts: Attempts, codes: SecondFactorService) -> None:
        self._store = store
        self._attempts = attempts
        self._codes = codes

    def anybody(self) -> Anybody:
        return Anybody(self._store.anybody_joined())

    def sign_in(self, wanted: SignIn, origin: Origin) -> SignedIn:
        """Begin a session. Raises SignInRefused (the same for a wrong name), CodeNeeded, CodeRefused, TooManyAttempts.

        Takes as long as argon2 does, whatever the outcome.
        """
        name = _as_typed(wanted.name)
        with self._attempts.one(name, origin.address):
            record = self._store.find_person(name)
            if not fits(record.password if record else None, wanted.password) or record is None:
                raise SignInRefused
            self._codes.check(record, wanted.code)
            return self._begin(record, origin)

    def known_name(self, wanted: SignIn) -> str:
        """Who a sign-in was about; empty where nobody has the name: people type passwords into the wrong field."""
        record = self._store.find_person(_as_typed(wanted.name))
        return record.person.name if record else ""

    # Links

    def invitation(self, token: str) -> Invitation:
        """What a one-time link leads to. Raises InvitationUnknown."""
        return _shown(self._store.invitation(hashed(token)))

    def accept(self, token: str, wanted: InvitationAccept, origin: Origin) -> SignedIn:
        """Use a link up: set the password, end the sessions of before, and begin one.

        Raises InvitationUnknown, UsageRefused, NameRefused, PersonTaken, PasswordRefused, CodeNeeded, CodeRefused.
        """
        found = self._store.invitation(hashed(token))
        name = _name_for(found, wanted.name)
        refuse_password(wanted.password, name)
        if found.invited is not None:
            with self._attempts.one(name, origin.address):
                self._codes.check(found.invited, wanted.code)
        record = self._store.accept(hashed(token), name, hash_password(wanted.password))
        self._attempts.forgive(name)
        return self._begin(record, origin)

    # Sessions

    def sessions(self, asker: Principal, person: str | None) -> list[Session]:
        """Those of who asks, or of ``person``; for a system user everybody's."""
        whose = asker.person_id if person is None else self._store.person(person).id
        return [_marked(session, asker) for session in self._store.sessions(whose)]

    def sign_out(self, asker: Principal) -> Ended:
        """End the session that asks. Raises PersonNeeded."""
        if asker.session_id is None:
            raise PersonNeeded("There is no session to end here.")
        self._store.end_session(asker.session_id, asker.person_id)
        return Ended(1)

    def end_session(self, asker: Principal, session_id: int, *, anybodys: bool) -> Session:
        """End one session: of who asks, or anybody's. Raises SessionUnknown."""
        return self._store.end_session(session_id, None if anybodys else asker.person_id)

    def end_sessions(self, asker: Principal, person: str | None) -> Ended:
        """End all sessions of ``person``, or all others of who asks. Raises PersonNeeded, PersonUnknown."""
        record = own_record(self._store, asker) if person is None else self._store.person(person)
        return Ended(self._store.end_sessions(record.id, asker.session_id))

    # Passwords

    def change_password(self, asker: Principal, wanted: PasswordChange) -> None:
        """Another password; all other sessions end. Raises SignInRefused for a wrong old one, PasswordRefused."""
        record = own_record(self._store, asker)
        refuse_password(wanted.new, record.person.name)
        with self._attempts.one(record.person.name, asker.address):
            if not fits(record.password, wanted.old) or record.password is None:
                raise SignInRefused
        new = hash_password(wanted.new)
        if not self._store.set_password(record.id, record.password, new, asker.session_id):
            raise SignInRefused

    def _begin(self, record: PersonRecord, origin: Origin) -> SignedIn:
        credential = new_secret(SESSION)
        session = self._store.create_session(record, hashed(credential), origin.agent[:_AGENT_MAX], origin.address)
        if session is None:
            # The password was changed while it was looked at.
            raise SignInRefused
        return SignedIn(credential, record.person, session.expires)


def _as_typed(name: str) -> str:
    """A name as it is kept: a telephone begins each with a capital. What cannot be one is one that nobody has."""
    return name.strip().lower()[: PERSON_NAME_MAX + 1]


def _name_for(found: InvitationRecord, wanted: str | None) -> PersonName:
    if found.invited is None:
        return parse_person_name(wanted or "")
    if wanted not in {None, found.invited.person.name}:
        raise UsageRefused(f"This link is for {found.invited.person.name}, who has a name already.")
    return found.invited.name


def _shown(found: InvitationRecord) -> Invitation:
    person = found.invited.person if found.invited else None
    return Invitation(
        name=person.name if person else None,
        role=found.role,
        expires=found.expires,
        totp=person is not None and person.totp,
        joined=person is not None and person.joined,
    )


def _marked(session: Session, asker: Principal) -> Session:
    return replace(session, current=session.id == asker.session_id)
