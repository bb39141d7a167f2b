"""Credentials: long random texts, of which only the hash is kept; and who it is that carries one."""

from __future__ import annotations

import hashlib
import secrets

from potions.errors import CredentialRefused, SessionEnded, TokenUnknown
from potions.model.access import Principal, Role, Way
from potions.store.store import Store

SESSION = "ps_"
TOKEN = "pt_"  # noqa: S105 - how one begins
#: Characters of a token by which people know it again.
FIRST = 8
_RANDOM_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """32 random bytes, as text for URLs, behind a prefix that says what it is."""
    return prefix + secrets.token_urlsafe(_RANDOM_BYTES)


def hashed(secret: str) -> str:
    """What is kept of it. A plain hash is enough for what is long and random: there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Authentication:
    """Finds out who asks, anew for each request: what ended a moment ago opens nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def principal(self, credential: str, address: str) -> Principal:
        """Who carries the credential. Raises SessionEnded, TokenUnknown, or CredentialRefused for what is neither."""
        if credential.startswith(SESSION):
            return self._of_session(credential, address)
        if credential.startswith(TOKEN):
            return self._of_token(credential, address)
        raise CredentialRefused("It carries neither a session (ps_…) nor a token (pt_…).")

    def _of_session(self, credential: str, address: str) -> Principal:
        found = self._store.session(hashed(credential))
        if found is None:
            raise SessionEnded
        session, record = found
        return Principal(
            name=record.person.name,
            way=Way.DASHBOARD,
            role=record.person.role,
            person=record.name,
            person_id=record.id,
            session_id=session.id,
            expires=session.expires,
            address=address,
        )

    def _of_token(self, credential: str, address: str) -> Principal:
        found = self._store.token(hashed(credential))
        if found is None:
            raise TokenUnknown
        token, owner = found.token, found.owner
        return Principal(
            name=f"token {token.name} ({owner.person.name})",
            way=Way.TOKEN,
            role=_lesser(token.access.role, owner.person.role),
            person=owner.name,
            person_id=owner.id,
            token_id=token.id,
            one_app=found.one_app,
            app=None if token.app_deleted else token.app,
            expires=token.expires,
            address=address,
        )


def _lesser(one: Role, other: Role) -> Role:
    return other if one.includes(other) else one
