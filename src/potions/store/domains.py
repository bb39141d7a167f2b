"""Domains of apps: each leads to one app, and one of an app's is the primary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from potions.errors import DomainTaken, DomainUnknown
from potions.model.domain import Domain, HostOutcome
from potions.names import DomainName
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart
from potions.store.remaking import make_anew
from potions.store.sealing import Sealer

_table = tables.domains
_columns = tables.domains.c

#: The variable that tells an app how it is called.
HOST_VARIABLE = "PHX_HOST"


class Domains(StorePart):
    """What ``potions domains`` remembers. ``host`` is what PHX_HOST says while an app has no domain."""

    def domains(self, app_id: int) -> list[Domain]:
        """Those of an app, the primary one first, then as they were added."""
        with self._database.reading() as connection:
            return [_domain(row) for row in connection.execute(_of_app(app_id))]

    def every_domain(self) -> dict[int, list[Domain]]:
        """The same of all apps that have any, by the id of the app."""
        found: dict[int, list[Domain]] = defaultdict(list)
        with self._database.reading() as connection:
            for row in connection.execute(_primary_first(select(_table).where(_columns.held))):
                found[row.app_id].append(_domain(row))
        return found

    def domains_named(self, app: str) -> list[Domain]:
        """Those of the app of that name; none where there is no such app."""
        apps = tables.apps.c
        living = select(apps.id).where(apps.name == app, apps.deleted_at.is_(None)).scalar_subquery()
        with self._database.reading() as connection:
            wanted = select(_table).where(_columns.app_id == living, _columns.held)
            return [_domain(row) for row in connection.execute(_primary_first(wanted))]

    def lost_domains(self, app_id: int) -> dict[DomainName, str]:
        """Those it had before it was deleted and another app has taken since, with the name of who has each now.

        Empty for one that nobody has any more.
        """
        with self._database.reading() as connection:
            lost = select(_columns.name).where(_columns.app_id == app_id, ~_columns.held).order_by(_columns.id)
            owners = ((name, _owner(connection, name)) for name in connection.scalars(lost))
            return {DomainName(name): owner.name if owner else "" for name, owner in owners}

    def refuse_taken_domain(self, app_id: int, name: DomainName) -> None:
        """Raise DomainTaken as ``add_domain`` would."""
        with self._database.reading() as connection:
            owner = _owner(connection, name)
            if owner is not None and owner.deleted_at is None:
                raise DomainTaken(name, owner.name, living_app(connection, app_id).name)

    def add_domain(self, app_id: int, name: DomainName, host: str, by: str) -> HostOutcome:
        """Give the app a domain; its first becomes the primary, and sets PHX_HOST where no person has.

        An app in the trash loses it. Raises DomainTaken where a living one has it, this one too; AppUnknown.
        """
        with self._database.writing() as connection:
            app = living_app(connection, app_id)
            _take_over(connection, name, app.name)
            first = connection.execute(_of_app(app_id)).first() is None
            connection.execute(delete(_table).where(_columns.app_id == app_id, _columns.name == name))
            row = {"app_id": app_id, "name": name, "is_primary": first, "held": True, "added": tables.now()}
            connection.execute(insert(_table).values(row))
            return _tell_app(connection, self._sealer, app_id, host, by)

    def remove_domain(self, app_id: int, name: DomainName, host: str, by: str) -> HostOutcome:
        """Take a domain away, also the memory of a lost one. Where it was the primary the next one is it then.

        Raises DomainUnknown, AppUnknown.
        """
        with self._database.writing() as connection:
            living_app(connection, app_id)
            _known(connection, app_id, name)
            connection.execute(delete(_table).where(_columns.app_id == app_id, _columns.name == name))
            have_primary(connection, app_id)
            return _tell_app(connection, self._sealer, app_id, host, by)

    def make_primary(self, app_id: int, name: DomainName, host: str, by: str) -> HostOutcome:
        """Make one of its domains the primary. Raises DomainUnknown, AppUnknown."""
        with self._database.writing() as connection:
            living_app(connection, app_id)
            if not _known(connection, app_id, name).held:
                raise DomainUnknown(name, living_app(connection, app_id).name)
            connection.execute(update(_table).where(_columns.app_id == app_id).values(is_primary=False))
            one = (_columns.app_id == app_id, _columns.name == name)
            connection.execute(update(_table).where(*one).values(is_primary=True))
            return _tell_app(connection, self._sealer, app_id, host, by)

    def set_domains(self, app_id: int, domains: Sequence[Domain], host: str, by: str) -> None:
        """Have an app's domains be these again, as they were read before a change that came to nothing.

        One that another app has got meanwhile stays there. Raises AppUnknown.
        """
        with self._database.writing() as connection:
            living_app(connection, app_id)
            connection.execute(delete(_table).where(_columns.app_id == app_id, _columns.held))
            for one in sorted(domains, key=lambda domain: domain.added):
                if _owner(connection, one.name) is None:
                    row = {"name": one.name, "is_primary": one.primary, "held": True, "added": one.added}
                    connection.execute(insert(_table).values(app_id=app_id, **row))
            have_primary(connection, app_id)
            _tell_app(connection, self._sealer, app_id, host, by)

    def owner_of_domain(self, name: str) -> str | None:
        """The living app that has a domain; None where none has."""
        with self._database.reading() as connection:
            owner = _owner(connection, name)
        return None if owner is None or owner.deleted_at is not None else str(owner.name)


def take_back(connection: Connection, app_id: int) -> None:
    """An app comes back from the trash: of the domains it lost, those are its own again that nobody has now."""
    lost = select(_columns.id, _columns.name).where(_columns.app_id == app_id, ~_columns.held)
    for row in connection.execute(lost).all():
        if _owner(connection, row.name) is None:
            connection.execute(update(_table).where(_columns.id == row.id).values(held=True))
    have_primary(connection, app_id)


def primary_of(connection: Connection, app_id: int) -> str | None:
    """The name of an app's primary domain; None where it has no domain."""
    name: str | None = connection.scalar(select(_columns.name).where(_columns.app_id == app_id, _columns.is_primary))
    return name


def have_primary(connection: Connection, app_id: int) -> None:
    """Where an app has domains and none of them is the primary, the one that was added first becomes it."""
    first = connection.execute(_of_app(app_id)).first()
    if first is not None and not first.is_primary:
        connection.execute(update(_table).where(_columns.id == first.id).values(is_primary=True))


def _take_over(connection: Connection, name: DomainName, app: str) -> None:
    owner = _owner(connection, name)
    if owner is None:
        return
    if owner.deleted_at is None:
        raise DomainTaken(name, owner.name, app)
    held = (_columns.name == name, _columns.held)
    connection.execute(update(_table).where(*held).values(held=False, is_primary=False))


def _owner(connection: Connection, name: str) -> Row[str, datetime | None] | None:
    """The app that has a domain, also one in the trash."""
    apps = tables.apps.c
    joined = select(apps.name, apps.deleted_at).join(_table, _columns.app_id == apps.id)
    return connection.execute(joined.where(_columns.name == name, _columns.held)).first()


def _known(connection: Connection, app_id: int, name: DomainName) -> Row[Any]:
    rows = connection.execute(select(_table).where(_columns.app_id == app_id)).all()
    found = [row for row in rows if row.name == name]
    if not found:
        app = living_app(connection, app_id).name
        raise DomainUnknown(name, app, get_close_matches(name, [row.name for row in rows]))
    return found[0]


def _tell_app(connection: Connection, sealer: Sealer, app_id: int, host: str, by: str) -> HostOutcome:
    """Have PHX_HOST say the primary domain, where it still is automatic."""
    wanted = primary_of(connection, app_id) or host
    if make_anew(connection, sealer, app_id, {HOST_VARIABLE: wanted}, by):
        return HostOutcome.CHANGED
    saved = tables.variables.c
    auto = connection.scalar(select(saved.auto).where(saved.app_id == app_id, saved.name == HOST_VARIABLE))
    return {None: HostOutcome.REMOVED, False: HostOutcome.EDITED, True: HostOutcome.SAME}[auto]


def _of_app(app_id: int) -> Select[Any]:
    return _primary_first(select(_table).where(_columns.app_id == app_id, _columns.held))


def _primary_first(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(_columns.is_primary.desc(), _columns.id)


def _domain(row: Row[Any]) -> Domain:
    return Domain(DomainName(row.name), row.is_primary, row.added)
