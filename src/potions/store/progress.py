"""How a deployment goes on: it begins, its status changes, and it ends once, in one of three ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from potions.errors import InternalError
from potions.layout import Colour
from potions.model.deployment import Failure, Kind, Status
from potions.model.plan import Strategy
from potions.store import tables
from potions.store.database import StorePart
from potions.store.deployments import change_deployment, find_deployment, going_on, keep_environment
from potions.store.journal import end_open_steps

_COLUMNS = tables.deployments.c


class Progress(StorePart):
    """Every change refuses a deployment that has ended, with InternalError; ``drained`` alone comes after the end."""

    def begin(
        self,
        deployment_id: int,
        slot: Colour,
        previous: int | None,
        environment: Mapping[str, str],
        auto_names: Iterable[str],
    ) -> None:
        """Its turn has come: it goes to ``slot``, in place of the deployment ``previous``, with these variables."""
        with self._database.writing() as connection:
            going_on(connection, deployment_id)
            change_deployment(connection, deployment_id, began=tables.now(), slot=slot.value, previous=previous)
            keep_environment(connection, self._sealer, deployment_id, environment, auto_names)

    def set_strategy(self, deployment_id: int, strategy: Strategy) -> None:
        """How its release wants to be followed, as its files say. One that ended may be configured again."""
        with self._database.writing() as connection:
            find_deployment(connection, deployment_id)
            change_deployment(connection, deployment_id, strategy=strategy.value)

    def succeed(self, deployment_id: int) -> None:
        """It serves, its last step has ended, and the slot before it drains.

        The deployment that a rollback replaced becomes rolled back, at the same moment.
        """
        with self._database.writing() as connection:
            row = going_on(connection, deployment_id)
            end_open_steps(connection, deployment_id)
            served = _next_served(connection, row.app_id)
            _end_standby(connection, row.app_id)
            _end(connection, deployment_id, Status.SUCCEEDED, draining=True, served=served)
            if row.kind == Kind.ROLLBACK.value:
                _roll_back(connection, row.app_id, row.previous)

    def fail(self, deployment_id: int, failure: Failure) -> None:
        """It ends as failed, and says why."""
        with self._database.writing() as connection:
            going_on(connection, deployment_id)
            _end(connection, deployment_id, Status.FAILED, failure=msgspec.to_builtins(failure))

    def cancel(self, deployment_id: int) -> None:
        """It ends as cancelled."""
        with self._database.writing() as connection:
            going_on(connection, deployment_id)
            _end(connection, deployment_id, Status.CANCELLED)

    def drained(self, deployment_id: int) -> None:
        """The slot before it has finished. Saying so twice is all right; before it succeeded it is an InternalError."""
        with self._database.writing() as connection:
            if find_deployment(connection, deployment_id).served is None:
                raise InternalError(f"The deployment {deployment_id} never served, so nothing drains for it.")
            change_deployment(connection, deployment_id, draining=False)

    def begin_standby(self, deployment_id: int, until: datetime) -> None:
        """The slot before it is kept running until then."""
        with self._database.writing() as connection:
            change_deployment(connection, deployment_id, standby_until=until)

    def end_standby(self, app_id: int) -> bool:
        """Nothing of the app stands by any more; False if nothing did."""
        with self._database.writing() as connection:
            return _end_standby(connection, app_id)


def _end_standby(connection: Connection, app_id: int) -> bool:
    kept = update(tables.deployments).where(_COLUMNS.app_id == app_id, _COLUMNS.standby_until.is_not(None))
    return connection.execute(kept.values(standby_until=None)).rowcount > 0


def _end(connection: Connection, deployment_id: int, status: Status, **values: Any) -> None:
    change_deployment(connection, deployment_id, status=status.value, ended=tables.now(), **values)


def _next_served(connection: Connection, app_id: int) -> int:
    return (connection.scalar(select(func.max(_COLUMNS.served)).where(_COLUMNS.app_id == app_id)) or 0) + 1


def _roll_back(connection: Connection, app_id: int, number: int | None) -> None:
    replaced = (_COLUMNS.app_id == app_id) & (_COLUMNS.number == number)
    succeeded = _COLUMNS.status == Status.SUCCEEDED.value
    values = {"status": Status.ROLLED_BACK.value}
    connection.execute(update(tables.deployments).where(replaced, succeeded).values(values))
