"""Sessions of people: where they are signed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from potions.errors import SessionUnknown
from potions.model.person import SESSION_AT_MOST, SESSION_UNUSED, Session
from potions.store import tables
from potions.store.database import StorePart
from potions.store.people import end_sessions_of, person_of_id
from potions.store.records import PersonRecord

#: When a session was used last is written at most so often.
TOUCHED_EVERY = timedelta(minutes=1)
#: So many of one person are kept; a new one ends the one that was not used for the longest.
SESSIONS_MAX = 100

_sessions = tables.sessions.c


class Sessions(StorePart):
    """Sessions are known by the hash of their credential alone."""

    def create_session(self, record: PersonRecord, credential: str, agent: str, address: str) -> Session | None:
        """Sign a person in, whose password was right; None if it was changed meanwhile, or they are gone."""
        now = tables.now()
        with self._database.writing() as connection:
            people = tables.people.c
            same = select(people.id).where(people.id == record.id, people.password == record.password)
            if connection.execute(same).first() is None:
                return None
            row = {
                "hash": credential,
                "person_id": record.id,
                "created": now,
                "used": now,
                "expires": now + SESSION_UNUSED,
                "agent": agent,
                "address": address,
            }
            key = connection.execute(insert(tables.sessions).values(row)).inserted_primary_key
            connection.execute(update(tables.people).where(people.id == record.id).values(seen=now))
            newest = select(_sessions.id).where(_sessions.person_id == record.id)
            beyond = newest.order_by(_sessions.used.desc(), _sessions.id.desc()).limit(-1).offset(SESSIONS_MAX)
            connection.execute(delete(tables.sessions).where(_sessions.id.in_(beyond)))
            return _session(connection.execute(_every().where(_sessions.id == (key[0] if key else 0))).one())

    def session(self, credential: str) -> tuple[Session, PersonRecord] | None:
        """The session of that credential, if it has not ended, and its person. To be called for each request."""
        with self._database.reading() as connection:
            row = connection.execute(_every().where(_sessions.hash == credential)).first()
            if row is None or row.expires <= tables.now():
                return None
            found, record = _session(row), person_of_id(connection, row.person_id)
        if tables.now() - found.used >= TOUCHED_EVERY:
            self._touch(found, record)
        return found, record

    def _touch(self, session: Session, record: PersonRecord) -> None:
        now = tables.now()
        expires = min(now + SESSION_UNUSED, session.created + SESSION_AT_MOST)
        with self._database.writing() as connection:
            one = update(tables.sessions).where(_sessions.id == session.id)
            connection.execute(one.values(used=now, expires=expires))
            connection.execute(update(tables.people).where(tables.people.c.id == record.id).values(seen=now))

    def sessions(self, person_id: int | None) -> list[Session]:
        """Those of a person, or of everybody, that have not ended; the one used last first."""
        good = _every().where(_sessions.expires > tables.now())
        if person_id is not None:
            good = good.where(_sessions.person_id == person_id)
        with self._database.reading() as connection:
            return [
                _session(row) for row in connection.execute(good.order_by(_sessions.used.desc(), _sessions.id.desc()))
            ]

    def end_session(self, session_id: int, person_id: int | None) -> Session:
        """End one: of a person, or (None) of anybody. Raises SessionUnknown."""
        one = _every().where(_sessions.id == session_id)
        if person_id is not None:
            one = one.where(_sessions.person_id == person_id)
        with self._database.writing() as connection:
            row = connection.execute(one).first()
            if row is None:
                raise SessionUnknown
            connection.execute(delete(tables.sessions).where(_sessions.id == session_id))
            return _session(row)

    def end_sessions(self, person_id: int, but: int | None) -> int:
        """End all of a person's, but perhaps one. Returns how many there were."""
        with self._database.writing() as connection:
            return end_sessions_of(connection, person_id, but)

    def forget_ended(self, now: datetime) -> None:
        """Remove sessions and links whose time is over."""
        with self._database.writing() as connection:
            connection.execute(delete(tables.sessions).where(_sessions.expires <= now))
            links = tables.invitations
            connection.execute(delete(links).where(links.c.expires <= now))


def _every() -> Select[Any]:
    people = tables.people
    return select(tables.sessions, people.c.name).join(people, people.c.id == _sessions.person_id)


def _session(row: Row[Any]) -> Session:
    return Session(row.id, row.name, row.created, row.used, row.expires, row.agent, row.address)
