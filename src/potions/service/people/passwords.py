"""Passwords by argon2, and a look at one that takes as long whether anybody has the name or not."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from potions.model.person import PASSWORD_MAX

_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Takes tens of milliseconds and 64 MiB, on purpose: call it in a thread, and few at a time."""
    return _HASHER.hash(password)


def fits(known: str | None, password: str) -> bool:
    """Whether it is the password that ``known`` was made of. With None it is not, and takes as long to say."""
    asked = password if len(password) <= PASSWORD_MAX else ""
    right = _verify(known or _nobodys(), asked)
    return right and known is not None and asked == password


def _verify(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known, password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return _HASHER.hash("a password that nobody has")
