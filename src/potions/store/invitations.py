"""One-time links: the way to a first password, and to another one where that was lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from potions.errors import InvitationUnknown
from potions.model.access import Role
from potions.model.person import INVITATION_FOR
from potions.names import PersonName
from potions.store import tables
from potions.store.database import StorePart
from potions.store.people import end_sessions_of, insert_person, known_person, person_of_id
from potions.store.records import InvitationRecord, PersonRecord

_links = tables.invitations.c


class Invitations(StorePart):
    """Links are known by the hash of their token alone."""

    def invite(self, name: PersonName, role: Role, link: str) -> InvitationRecord:
        """A new person, and a link for them. Raises PersonTaken."""
        with self._database.writing() as connection:
            person_id = insert_person(connection, name, role)
            if role is Role.OWNER:
                # From here on whoever else wants to be one has to be invited by name.
                _void(connection, None)
            return _make(connection, person_id, role, link)

    def invite_again(self, name: str, link: str) -> InvitationRecord:
        """A new link for somebody; those of before lead nowhere any more. Raises PersonUnknown."""
        with self._database.writing() as connection:
            known = known_person(connection, name)
            return _make(connection, known.id, known.person.role, link)

    def invite_first(self, link: str) -> InvitationRecord:
        """A link for an owner who has no name yet, in place of the one of before."""
        with self._database.writing() as connection:
            return _make(connection, None, Role.OWNER, link)

    def invitation(self, link: str) -> InvitationRecord:
        """What a link leads to. Raises InvitationUnknown."""
        with self._database.reading() as connection:
            return _good(connection, link)

    def accept(self, link: str, name: PersonName, password: str) -> PersonRecord:
        """Use a link up: its person has this password from now on, and no session of before.

        ``name`` counts for the first user. Raises InvitationUnknown, PersonTaken.
        """
        with self._database.writing() as connection:
            found = _good(connection, link)
            if found.invited is None:
                person_id = insert_person(connection, name, found.role, password)
            else:
                person_id = found.invited.id
                person = update(tables.people).where(tables.people.c.id == person_id)
                connection.execute(person.values(password=password))
                end_sessions_of(connection, person_id)
            _void(connection, None if found.invited is None else person_id)
            return person_of_id(connection, person_id)


def _make(connection: Connection, person_id: int | None, role: Role, link: str) -> InvitationRecord:
    _void(connection, person_id)
    expires: datetime = tables.now() + INVITATION_FOR
    row = {"hash": link, "person_id": person_id, "role": role.value, "expires": expires}
    connection.execute(insert(tables.invitations).values(row))
    return _good(connection, link)


def _good(connection: Connection, link: str) -> InvitationRecord:
    row = connection.execute(select(tables.invitations).where(_links.hash == link)).first()
    if row is None or row.expires <= tables.now():
        raise InvitationUnknown
    invited = None if row.person_id is None else person_of_id(connection, row.person_id)
    # Who was made something else meanwhile comes as what they are now.
    return InvitationRecord(invited, invited.person.role if invited else Role(row.role), row.expires)


def _void(connection: Connection, person_id: int | None) -> None:
    whose = _links.person_id.is_(None) if person_id is None else _links.person_id == person_id
    connection.execute(delete(tables.invitations).where(whose))
