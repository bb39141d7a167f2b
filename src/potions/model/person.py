"""People who sign in, their sessions, their tokens, and what was written down about who did what."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from potions.errors import PasswordRefused
from potions.model.access import Role, TokenAccess, Way

PASSWORD_MIN = 10
PASSWORD_MAX = 200

#: How long a one-time link is good.
INVITATION_FOR = timedelta(hours=72)
#: A session ends when it was not used for so long, …
SESSION_UNUSED = timedelta(days=14)
#: … and so long after it began in any case.
SESSION_AT_MOST = timedelta(days=90)
TOKEN_DAYS_MAX = 3650
#: How many recovery codes a person gets, each good once.
RECOVERY_CODES = 10


class Person(msgspec.Struct, frozen=True):
    """Somebody who may sign in."""

    name: str
    role: Role
    totp: bool
    """Whether signing in takes a code as well."""
    joined: bool
    """Whether they have a password: their first link was used."""
    created: datetime
    seen: datetime | None = None
    """When they asked for anything last, to a minute."""
    invited_until: datetime | None = None
    """Until when a one-time link of theirs is good."""


class Session(msgspec.Struct, frozen=True):
    """A place where a person is signed in."""

    id: int
    person: str
    created: datetime
    used: datetime
    """To a minute."""
    expires: datetime
    """If it is not used any more before."""
    agent: str
    """What the browser calls itself."""
    address: str
    current: bool = False
    """The one that asks."""


class Token(msgspec.Struct, frozen=True):
    """An API token, without the secret: that was shown once."""

    id: int
    name: str
    first: str
    """Its first characters, to know it by."""
    person: str
    access: TokenAccess
    app: str | None
    """The one app it is for; None for all."""
    created: datetime
    used: datetime | None = None
    expires: datetime | None = None
    app_deleted: bool = False
    """Its app is in the trash: it opens nothing, and works again when the app is brought back."""


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what. Names only; no value, no password, no token."""

    id: int
    at: datetime
    who: str
    way: Way
    address: str
    """Where from, as the dashboard says; empty for the command line."""
    act: str
    app: str
    """Empty where it was about no app."""
    detail: str
    outcome: str
    """``ok``, or the code of the refusal."""


def refuse_password(password: str, name: str) -> None:
    """Raise PasswordRefused for one that is too short, too long, or the name. No other rule: those make bad ones."""
    if len(password) < PASSWORD_MIN:
        raise PasswordRefused(
            f"The password is too short: {len(password)} characters.",
            do=f"Take at least {PASSWORD_MIN}; a few words together are easy to remember.",
        )
    if len(password) > PASSWORD_MAX:
        raise PasswordRefused(f"The password is too long: at most {PASSWORD_MAX} characters.")
    if password.strip().lower() == name.lower():
        raise PasswordRefused("The password is the name.", do="Take one that others do not guess first.")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise PasswordRefused("The password has half of a character in it.") from None
