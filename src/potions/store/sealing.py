"""How values are sealed before they reach the database, and for what: a value opens only where it was put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Sealer(Protocol):
    """Seals bytes for a context; what was sealed for one context does not open for another."""

    def seal(self, plain: bytes, context: str) -> bytes: ...

    def open(self, sealed: bytes, context: str) -> bytes: ...


def seal_variable(sealer: Sealer, app_id: int, name: str, value: str) -> bytes:
    return sealer.seal(value.encode(), _variable(app_id, name))


def open_variable(sealer: Sealer, app_id: int, name: str, sealed: bytes) -> str:
    return sealer.open(sealed, _variable(app_id, name)).decode()


def seal_environment(sealer: Sealer, deployment_id: int, environment: Mapping[str, str]) -> bytes:
    return sealer.seal(msgspec.json.encode(dict(environment)), _environment(deployment_id))


def open_environment(sealer: Sealer, deployment_id: int, sealed: bytes) -> dict[str, str]:
    return msgspec.json.decode(sealer.open(sealed, _environment(deployment_id)), type=dict[str, str])


def seal_totp(sealer: Sealer, person_id: int, secret: str) -> bytes:
    return sealer.seal(secret.encode(), _totp(person_id))


def open_totp(sealer: Sealer, person_id: int, sealed: bytes) -> str:
    return sealer.open(sealed, _totp(person_id)).decode()


def _variable(app_id: int, name: str) -> str:
    return f"variable:{app_id}:{name}"


def _environment(deployment_id: int) -> str:
    return f"environment:{deployment_id}"


def _totp(person_id: int) -> str:
    return f"totp:{person_id}"
