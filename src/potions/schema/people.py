"""Signing in, people, tokens. What holds a secret does not print it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from potions.model.access import Role, TokenAccess, Way
from potions.model.person import Person, Token


class _Hidden(msgspec.Struct, frozen=True):
    """Prints as its name alone."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Anybody(msgspec.Struct, frozen=True):
    """Whether there is anybody who can sign in."""

    exists: bool


class SignIn(_Hidden, frozen=True, forbid_unknown_fields=True):
    """``code``: of the authenticator app, or a recovery code; only for those who turned that on."""

    name: str
    password: str
    code: str | None = None


class SignedIn(_Hidden, frozen=True):
    """A session that began. ``credential`` is what its requests carry, and is never told again."""

    credential: str
    person: Person
    expires: datetime


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the agent sees it."""

    name: str
    way: Way
    role: Role
    """What may be done now."""
    person: Person | None = None
    """None for a system user."""
    app: str | None = None
    """The one app of a token; None where all are meant."""
    expires: datetime | None = None


class PersonCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Invite somebody."""

    name: str
    role: Role


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Make somebody something else."""

    role: Role


class InvitationLink(_Hidden, frozen=True):
    """A one-time link: the dashboard's address, ``/welcome/`` and this token. Never told again."""

    token: str
    name: str | None
    """Whose it is; None for the first user, who picks a name."""
    role: Role
    expires: datetime


class Invitation(msgspec.Struct, frozen=True):
    """What a one-time link leads to."""

    name: str | None
    """None where a name has to be picked."""
    role: Role
    expires: datetime
    totp: bool = False
    """Whether a code is needed as well."""
    joined: bool = False
    """They had a password before: this replaces it."""


class InvitationAccept(_Hidden, frozen=True, forbid_unknown_fields=True):
    """Set the password, and be signed in. ``name`` only where the invitation has none."""

    password: str
    name: str | None = None
    code: str | None = None


class PasswordChange(_Hidden, frozen=True, forbid_unknown_fields=True):
    """Another password; all other sessions end."""

    old: str
    new: str


class PasswordProof(_Hidden, frozen=True, forbid_unknown_fields=True):
    """The password, once more."""

    password: str


class TotpStart(_Hidden, frozen=True):
    """What an authenticator app needs: the secret in base 32, and the same as an address to make a picture of."""

    secret: str
    uri: str


class TotpCode(_Hidden, frozen=True, forbid_unknown_fields=True):
    """Six digits of the app."""

    code: str


class RecoveryCodes(_Hidden, frozen=True):
    """For the day the device is lost: each is good once, in place of a code. Never told again."""

    codes: list[str]


class TokenCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Make an API token: for one ``app`` or all, for some ``days`` or for good.

    ``person`` is whose it is: by itself whoever asks. A system user has to say it, unless there is one owner.
    """

    name: str
    access: TokenAccess = TokenAccess.READ
    app: str | None = None
    days: int | None = None
    person: str | None = None


class TokenMade(_Hidden, frozen=True):
    """A token that was made. ``credential`` is the secret itself, and is never told again."""

    token: Token
    credential: str


class Ended(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    sessions: int
