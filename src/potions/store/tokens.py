"""API tokens: known by the hash of their secret, for one app or all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from potions.errors import TokenNotFound, TokenTaken
from potions.model.access import TokenAccess
from potions.model.person import Token
from potions.names import TokenName
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart
from potions.store.people import person_of_id
from potions.store.records import TokenRecord
from potions.store.sessions import TOUCHED_EVERY

_tokens = tables.tokens.c


class Tokens(StorePart):
    """What ``potions tokens`` shows and changes."""

    def create_token(
        self,
        person_id: int,
        name: TokenName,
        secret: str,
        first: str,
        access: TokenAccess,
        app_id: int | None,
        expires: datetime | None,
    ) -> Token:
        """Remember a token by the hash of its secret. Raises TokenTaken, and AppUnknown for an app that is gone."""
        row = {
            "hash": secret,
            "first": first,
            "name": name,
            "person_id": person_id,
            "app_id": app_id,
            "access": access.value,
            "created": tables.now(),
            "expires": expires,
        }
        with self._database.writing() as connection:
            if app_id is not None:
                living_app(connection, app_id)
            taken = select(_tokens.id).where(_tokens.person_id == person_id, _tokens.name == name)
            if connection.execute(taken).first() is not None:
                raise TokenTaken(name)
            connection.execute(insert(tables.tokens).values(row))
            return _token(connection.execute(_every().where(_tokens.hash == secret)).one())

    def token(self, secret: str) -> TokenRecord | None:
        """The token of that secret, if it has not expired, and whom it acts for. To be called for each request."""
        with self._database.reading() as connection:
            row = connection.execute(_every().where(_tokens.hash == secret)).first()
            if row is None or (row.expires is not None and row.expires <= tables.now()):
                return None
            found = TokenRecord(_token(row), row.app_id is not None, person_of_id(connection, row.person_id))
        if row.used is None or tables.now() - row.used >= TOUCHED_EVERY:
            with self._database.writing() as connection:
                connection.execute(update(tables.tokens).where(_tokens.id == row.id).values(used=tables.now()))
        return found

    def tokens(self, person_id: int | None) -> list[Token]:
        """Those of a person, or of everybody, the newest first."""
        every = _every() if person_id is None else _every().where(_tokens.person_id == person_id)
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(every.order_by(_tokens.id.desc()))]

    def revoke_token(self, token_id: int, person_id: int | None) -> Token:
        """Remove one: of a person, or (None) of anybody. Raises TokenNotFound."""
        one = _every().where(_tokens.id == token_id)
        if person_id is not None:
            one = one.where(_tokens.person_id == person_id)
        with self._database.writing() as connection:
            row = connection.execute(one).first()
            if row is None:
                raise TokenNotFound
            connection.execute(delete(tables.tokens).where(_tokens.id == token_id))
            return _token(row)


def _every() -> Select[Any]:
    people, apps = tables.people, tables.apps
    columns = (people.c.name.label("person"), apps.c.name.label("app"), apps.c.deleted_at)
    joined = select(tables.tokens, *columns).join(people, people.c.id == _tokens.person_id)
    return joined.outerjoin(apps, apps.c.id == _tokens.app_id)


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        first=row.first,
        person=row.person,
        access=TokenAccess(row.access),
        app=row.app,
        created=row.created,
        used=row.used,
        expires=row.expires,
        app_deleted=row.deleted_at is not None,
    )
