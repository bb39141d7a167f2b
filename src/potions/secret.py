"""Values that must not be seen: the type that does not print, their sealing at rest, and their removal from output."""

from __future__ import annotations

import contextlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from potions.errors import StoreFailed
from potions.model.variables import is_plain

_HIDDEN = "***"


class Secret:
    """A text that does not print: ``reveal`` is the one way to see it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN})"

    def __str__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return format(_HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        """Compare in a time that does not tell how much of the value was right."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_encode(self._value), _encode(other._value))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickling and copying, by which a value would end up in a cache or a log."""
        raise TypeError("A Secret is not serialised; reveal it where it is needed.")


def _encode(value: str) -> bytes:
    return value.encode(errors="surrogatepass")


_VERSION = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12


def new_key() -> bytes:
    """A fresh key for a Sealer: 32 random bytes."""
    return secrets.token_bytes(_KEY_BYTES)


class Sealer:
    """Seals values with AES-256-GCM: one version byte, a 96-bit random nonce, then text and tag.

    ``context`` says where a value belongs (its app and name). It is not stored: a sealed value that was moved to
    another place does not open there. Raises StoreFailed for a key that is not 32 bytes long.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise StoreFailed(
                "secret.key is damaged.",
                why=f"It has {len(key)} bytes instead of {_KEY_BYTES}.",
                do="Put back the secret.key that was made with this database.",
            )
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed; raises StoreFailed for another key, another context or changed bytes."""
        head = len(_VERSION) + _NONCE_BYTES
        if not sealed.startswith(_VERSION) or len(sealed) < head:
            raise _unreadable()
        try:
            return self._cipher.decrypt(sealed[len(_VERSION) : head], sealed[head:], context.encode())
        except InvalidTag:
            raise _unreadable() from None


def _unreadable() -> StoreFailed:
    return StoreFailed(
        "A sealed value cannot be opened.",
        why="secret.key does not belong to this database, or the database was changed.",
        do="Put back the secret.key that was made with this database.",
    )


#: Shorter values would blank out ordinary words, and are too short to be a secret.
_SHORTEST = 8


class Redactor:
    """Replaces the values of variables in output by ``[NAME]``.

    Values below 8 characters stay, and so do those that are no secrets (``is_plain``). A value of several lines is
    found whole and line by line, because output comes a line at a time; also as JSON and Python write it between
    quotes, and the password of a URL by itself.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._markers = dict(_markers(values))
        longest_first = sorted(self._markers, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def line(self, text: str) -> str:
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._markers[found[0]], text)


def _markers(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if not is_plain(name):
            for piece in _pieces(value):
                yield piece, f"[{name}]"


def _pieces(value: str) -> Iterable[str]:
    lines = (value, *value.splitlines(), *_passwords(value))
    # Stripped as well: what prints a value often trims it.
    pieces = {text for line in lines for piece in (line, line.strip()) for text in (piece, *_quoted(piece))}
    return (piece for piece in pieces if len(piece.strip()) >= _SHORTEST)


def _quoted(text: str) -> Iterable[str]:
    """How a text stands between the quotes of JSON (with and without escapes for what is not ASCII) and of Python."""
    return (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1])


def _passwords(value: str) -> Iterable[str]:
    """What is secret of a URL, as it stands there and as a program gets it: a client's error shows it by itself."""
    with contextlib.suppress(ValueError):
        if password := urlsplit(value).password:
            return password, unquote(password)
    return ()
