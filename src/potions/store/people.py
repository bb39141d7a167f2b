"""People: who may sign in, as what, and with which password."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from potions.errors import LastOwner, PersonTaken, PersonUnknown
from potions.model.access import Role
from potions.model.person import Person
from potions.names import PersonName
from potions.store import tables
from potions.store.database import StorePart
from potions.store.records import PersonRecord

_people = tables.people.c


class People(StorePart):
    """What ``potions users`` shows and changes."""

    def people(self) -> list[PersonRecord]:
        """All of them, by name."""
        with self._database.reading() as connection:
            return [record_of(row) for row in connection.execute(every_person().order_by(_people.name))]

    def person(self, name: str) -> PersonRecord:
        """The person of that name. Raises PersonUnknown."""
        with self._database.reading() as connection:
            return known_person(connection, name)

    def find_person(self, name: str) -> PersonRecord | None:
        """The person of that name, if there is one."""
        with self._database.reading() as connection:
            row = connection.execute(every_person().where(_people.name == name)).first()
            return None if row is None else record_of(row)

    def anybody_joined(self) -> bool:
        """Whether there is anybody who can sign in."""
        with self._database.reading() as connection:
            return (
                connection.execute(select(_people.id).where(_people.password.is_not(None)).limit(1)).first() is not None
            )

    def has_owner(self) -> bool:
        """Whether there is an owner, or somebody who was invited to be one."""
        with self._database.reading() as connection:
            owners = select(_people.id).where(_people.role == Role.OWNER.value).limit(1)
            return connection.execute(owners).first() is not None

    def set_role(self, name: str, role: Role) -> PersonRecord:
        """Make somebody something else; who becomes less is signed out. Raises PersonUnknown, LastOwner."""
        with self._database.writing() as connection:
            before = known_person(connection, name)
            if not role.includes(Role.OWNER):
                _refuse_last_owner(connection, before)
            connection.execute(update(tables.people).where(_people.id == before.id).values(role=role.value))
            if not role.includes(before.person.role):
                end_sessions_of(connection, before.id)
            return known_person(connection, name)

    def remove_person(self, name: str) -> PersonRecord:
        """Forget somebody, with their sessions, tokens and links. Raises PersonUnknown, LastOwner."""
        with self._database.writing() as connection:
            gone = known_person(connection, name)
            _refuse_last_owner(connection, gone)
            connection.execute(delete(tables.people).where(_people.id == gone.id))
            return gone

    def set_password(self, person_id: int, before: str, password: str, keep_session: int | None) -> bool:
        """Another password, where it still is ``before``; every session but one ends. False if it was changed since."""
        with self._database.writing() as connection:
            same = update(tables.people).where(_people.id == person_id, _people.password == before)
            if connection.execute(same.values(password=password)).rowcount == 0:
                return False
            end_sessions_of(connection, person_id, keep_session)
            return True


def every_person() -> Select[Any]:
    """Each with the moment until which a link of theirs is good."""
    links = tables.invitations.c
    until = select(func.max(links.expires)).where(links.person_id == _people.id).scalar_subquery()
    return select(tables.people, until.label("invited_until"))


def known_person(connection: Connection, name: str) -> PersonRecord:
    row = connection.execute(every_person().where(_people.name == name)).first()
    if row is None:
        raise PersonUnknown(name[:60])
    return record_of(row)


def person_of_id(connection: Connection, person_id: int) -> PersonRecord:
    return record_of(connection.execute(every_person().where(_people.id == person_id)).one())


def insert_person(connection: Connection, name: PersonName, role: Role, password: str | None = None) -> int:
    """Returns the id. Raises PersonTaken."""
    if connection.execute(select(_people.id).where(_people.name == name)).first() is not None:
        raise PersonTaken(name)
    row = {"name": name, "role": role.value, "password": password, "totp_on": False, "created": tables.now()}
    key = connection.execute(insert(tables.people).values(row)).inserted_primary_key
    return int(key[0]) if key else 0


def end_sessions_of(connection: Connection, person_id: int, but: int | None = None) -> int:
    """Returns how many."""
    sessions = tables.sessions.c
    theirs = delete(tables.sessions).where(sessions.person_id == person_id)
    if but is not None:
        theirs = theirs.where(sessions.id != but)
    return connection.execute(theirs).rowcount


def record_of(row: Row[Any]) -> PersonRecord:
    person = Person(
        name=row.name,
        role=Role(row.role),
        totp=row.totp_on,
        joined=row.password is not None,
        created=row.created,
        seen=row.seen,
        invited_until=_if_to_come(row.invited_until),
    )
    return PersonRecord(row.id, person, row.password, row.totp)


def _if_to_come(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment > tables.now() else None


def _refuse_last_owner(connection: Connection, record: PersonRecord) -> None:
    """Who was invited and never came does not count: nobody could sign in as an owner any more."""
    if record.person.role is not Role.OWNER or not record.person.joined:
        return
    others = select(_people.id).where(
        _people.role == Role.OWNER.value, _people.password.is_not(None), _people.id != record.id
    )
    if connection.execute(others.limit(1)).first() is None:
        raise LastOwner(record.person.name)
