"""Who there is, and as what: invited, made something else, removed."""

from __future__ import annotations

from potions.model.access import Principal, Role, Way
from potions.model.person import Person
from potions.names import parse_person_name
from potions.schema import Caller, InvitationLink, PersonCreate
from potions.service.people.credentials import hashed, new_secret
from potions.store.records import InvitationRecord
from potions.store.store import Store


class PeopleService:
    """What owners decide about people."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def caller(self, asker: Principal) -> Caller:
        """Who asks."""
        is_session = asker.way is Way.DASHBOARD and asker.person is not None
        person = self._store.person(asker.person).person if is_session and asker.person else None
        return Caller(asker.name, asker.way, asker.role, person, asker.app, asker.expires)

    def people(self) -> list[Person]:
        return [record.person for record in self._store.people()]

    def invite(self, wanted: PersonCreate) -> InvitationLink:
        """A new person with a one-time link. Raises NameRefused, PersonTaken."""
        token = new_secret()
        return _link(token, self._store.invite(parse_person_name(wanted.name), wanted.role, hashed(token)))

    def invite_again(self, name: str) -> InvitationLink:
        """A new link, in place of the one of before: also for who lost the password. Raises PersonUnknown."""
        token = new_secret()
        return _link(token, self._store.invite_again(name, hashed(token)))

    def invite_first(self) -> InvitationLink | None:
        """A link for the first owner, in place of the one of before; None where there is an owner."""
        if self._store.has_owner():
            return None
        token = new_secret()
        return _link(token, self._store.invite_first(hashed(token)))

    def set_role(self, name: str, role: Role) -> Person:
        """Raises PersonUnknown, LastOwner."""
        return self._store.set_role(name, role).person

    def remove(self, name: str) -> Person:
        """With their sessions, tokens and links. Raises PersonUnknown, LastOwner."""
        return self._store.remove_person(name).person


def _link(token: str, found: InvitationRecord) -> InvitationLink:
    return InvitationLink(token, found.invited.person.name if found.invited else None, found.role, found.expires)
