"""What the store hands out that no other part of Potions has a word for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from potions.model.access import Role
from potions.model.app import Ports
from potions.model.person import Person, Token
from potions.names import AppName, PersonName

#: Picks a pair of ports, given the first ports that apps have; None when none is left. It runs inside the
#: transaction that takes the pair: it may look at the network, and must not write to the store.
ChoosePorts = Callable[[set[int]], Ports | None]


class StoredVariable(msgspec.Struct, frozen=True):
    """A saved variable, its value in plain text."""

    value: str
    auto: bool
    """Made by the platform, and not set by a person since."""

    def __repr__(self) -> str:
        # A value has no business in a log, and a traceback prints locals by their repr.
        return f"StoredVariable(auto={self.auto})"


class StepRecord(msgspec.Struct, frozen=True):
    """A line of a deployment's journal. A step that neither ended nor was undone is where the platform stopped."""

    name: str
    began: datetime
    ended: datetime | None
    undone: datetime | None


class TrashRecord(msgspec.Struct, frozen=True):
    """A deleted app that can be brought back."""

    app_id: int
    name: AppName
    """The name it had."""
    directory: str
    """The name of its directory in the trash."""
    deleted: datetime
    restorable_until: datetime
    total_bytes: int
    total_files: int


class ArchiveRecord(msgspec.Struct, frozen=True):
    """The archive of a release, as it was sent."""

    release: str
    label: str
    suffix: str
    packed_bytes: int
    pruned: bool
    """It is not kept any more."""


class PersonRecord(msgspec.Struct, frozen=True):
    """A person with what only the agent itself may see."""

    id: int
    person: Person
    password: str | None
    """As argon2 writes it; None until their first link was used."""
    totp: bytes | None
    """The secret of their codes, sealed; counts while ``person.totp``."""

    def __repr__(self) -> str:
        return f"PersonRecord({self.person.name})"

    @property
    def name(self) -> PersonName:
        return PersonName(self.person.name)


class InvitationRecord(msgspec.Struct, frozen=True):
    """A one-time link that is good."""

    invited: PersonRecord | None
    """None for the first user, who picks a name."""
    role: Role
    expires: datetime


class TokenRecord(msgspec.Struct, frozen=True):
    """A token with the person it acts for."""

    token: Token
    one_app: bool
    owner: PersonRecord
