"""Codes of authenticator apps, and the recovery codes beside them. Each is good once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, or_, update

from potions.errors import CodesAlreadyOn
from potions.store import tables
from potions.store.database import StorePart
from potions.store.people import end_sessions_of
from potions.store.records import PersonRecord
from potions.store.sealing import open_totp, seal_totp

_people = tables.people.c
_codes = tables.recovery_codes.c


class SecondFactor(StorePart):
    """Who needs a code, and which were used."""

    def begin_totp(self, person_id: int, secret: str) -> None:
        """Keep a secret that counts once a code of it was seen. Raises CodesAlreadyOn."""
        sealed = seal_totp(self._sealer, person_id, secret)
        with self._database.writing() as connection:
            off = update(tables.people).where(_people.id == person_id, _people.totp_on.is_(False))
            if connection.execute(off.values(totp=sealed, totp_step=None)).rowcount == 0:
                raise CodesAlreadyOn("Codes are on already.", do="Turn them off first, to move to another device.")

    def totp_secret(self, record: PersonRecord) -> str | None:
        """The secret of a person's codes, whether it counts already or not."""
        return None if record.totp is None else open_totp(self._sealer, record.id, record.totp)

    def turn_totp_on(self, person_id: int, sealed: bytes, step: int, recovery: Iterable[str]) -> bool:
        """From now on a code is needed. ``sealed`` is the secret that it was a code of; False if that is not it now.

        ``recovery`` are the hashes of the recovery codes, which take the place of all of before.
        """
        with self._database.writing() as connection:
            off = update(tables.people).where(
                _people.id == person_id, _people.totp_on.is_(False), _people.totp == sealed
            )
            if connection.execute(off.values(totp_on=True, totp_step=step)).rowcount == 0:
                return False
            _forget_recovery(connection, person_id)
            rows = [{"person_id": person_id, "hash": code} for code in recovery]
            connection.execute(insert(tables.recovery_codes), rows)
            return True

    def turn_totp_off(self, person_id: int, keep_session: int | None) -> None:
        """No code is needed any more; every session but one ends."""
        with self._database.writing() as connection:
            person = update(tables.people).where(_people.id == person_id)
            connection.execute(person.values(totp=None, totp_on=False, totp_step=None))
            _forget_recovery(connection, person_id)
            end_sessions_of(connection, person_id, keep_session)

    def use_step(self, person_id: int, step: int) -> bool:
        """Use up the code of a half minute, with all before it. False if it was."""
        with self._database.writing() as connection:
            unused = or_(_people.totp_step.is_(None), _people.totp_step < step)
            person = update(tables.people).where(_people.id == person_id, unused)
            return connection.execute(person.values(totp_step=step)).rowcount == 1

    def use_recovery_code(self, person_id: int, code: str) -> bool:
        """Use up a recovery code, given as its hash. False if there is none such, or it was used."""
        with self._database.writing() as connection:
            unused = update(tables.recovery_codes).where(
                _codes.person_id == person_id, _codes.hash == code, _codes.used.is_(None)
            )
            return connection.execute(unused.values(used=tables.now())).rowcount == 1


def _forget_recovery(connection: Connection, person_id: int) -> None:
    connection.execute(delete(tables.recovery_codes).where(_codes.person_id == person_id))
