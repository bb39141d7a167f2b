"""API tokens: made for somebody, for one app or all, to read or to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from potions.errors import PersonNeeded, RoleNeeded, UsageRefused
from potions.model.access import Principal, Role
from potions.model.person import TOKEN_DAYS_MAX, Token
from potions.names import parse_token_name
from potions.schema import TokenCreate, TokenMade
from potions.service.people.credentials import FIRST, TOKEN, hashed, new_secret
from potions.service.people.second_factor import own_record
from potions.store.records import PersonRecord
from potions.store.store import Store


class TokenService:
    """A person's own; an owner, and a system user, sees and revokes all."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tokens(self, asker: Principal) -> list[Token]:
        return self._store.tokens(_whose(asker))

    def create(self, asker: Principal, wanted: TokenCreate) -> TokenMade:
        """Make one. Raises NameRefused, TokenTaken, AppUnknown, RoleNeeded, PersonNeeded, UsageRefused."""
        name = parse_token_name(wanted.name)
        person = self._person_for(asker, wanted.person)
        if not person.person.role.includes(wanted.access.role):
            raise RoleNeeded("a token that may write", wanted.access.role.value, person.person.role.value)
        app_id = None if wanted.app is None else self._store.app(wanted.app).id
        secret = new_secret(TOKEN)
        token = self._store.create_token(
            person.id, name, hashed(secret), secret[:FIRST], wanted.access, app_id, _end_of(wanted.days)
        )
        return TokenMade(token, secret)

    def revoke(self, asker: Principal, token_id: int) -> Token:
        """Raises TokenNotFound, also for somebody else's where who asks is no owner."""
        return self._store.revoke_token(token_id, _whose(asker))

    def _person_for(self, asker: Principal, named: str | None) -> PersonRecord:
        if asker.person is not None:
            if named not in {None, asker.person}:
                raise PersonNeeded("Everybody makes their own tokens: what a token does is written down as theirs.")
            return own_record(self._store, asker)
        if named is not None:
            return self._store.person(named)
        owners = [one for one in self._store.people() if one.person.role is Role.OWNER]
        if len(owners) != 1:
            raise PersonNeeded("Say whose token it is: potions tokens create NAME --person PERSON")
        return owners[0]


def _whose(asker: Principal) -> int | None:
    """None for everybody's."""
    return None if asker.role is Role.OWNER else asker.person_id


def _end_of(days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise UsageRefused(
            f"A token cannot be good for {days} days.", why=f"From 1 to {TOKEN_DAYS_MAX:,} are possible."
        )
    return datetime.now(UTC) + timedelta(days=days)
