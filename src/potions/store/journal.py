"""The journal of a deployment's steps: after a crash it says where the platform stopped."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Update, func, insert, select, update

from potions.model.deployment import Status
from potions.store import tables
from potions.store.database import StorePart
from potions.store.deployments import find_deployment, set_status
from potions.store.records import StepRecord

_COLUMNS = tables.steps.c


class Journal(StorePart):
    """Every call is on the disk when it returns.

    A step may begin again, after a crash; the last of its name is then meant. Who recovers says things twice, and of
    steps that were left out: the first word counts, and a step that did not begin neither ends nor is undone.
    """

    def step_began(self, deployment_id: int, name: str, status: Status | None = None) -> None:
        """Before its first effect; with the status of the deployment from here on, where it changes.

        InternalError for a status that is an end, and for a deployment that has one.
        """
        with self._database.writing() as connection:
            _began(connection, deployment_id, name, status)

    def step_ended(self, deployment_id: int, name: str) -> None:
        """After its last effect."""
        with self._database.writing() as connection:
            _ended(connection, deployment_id, name)

    def step_ended_and_began(self, deployment_id: int, ended: str, began: str, status: Status | None = None) -> None:
        """Both at once, for the price of one wait for the disk."""
        with self._database.writing() as connection:
            _ended(connection, deployment_id, ended)
            _began(connection, deployment_id, began, status)

    def step_undone(self, deployment_id: int, name: str) -> None:
        """Of a step that ended, or only began."""
        with self._database.writing() as connection:
            still_done = _COLUMNS.undone.is_(None)
            connection.execute(_last(deployment_id, name).where(still_done).values(undone=tables.now()))

    def steps(self, deployment_id: int) -> list[StepRecord]:
        """In the order they began."""
        journal = select(tables.steps).where(_COLUMNS.deployment_id == deployment_id).order_by(_COLUMNS.position)
        with self._database.reading() as connection:
            return [StepRecord(row.name, row.began, row.ended, row.undone) for row in connection.execute(journal)]


def end_open_steps(connection: Connection, deployment_id: int) -> None:
    """A deployment that succeeds ends its last step with it."""
    of_deployment = update(tables.steps).where(_COLUMNS.deployment_id == deployment_id)
    connection.execute(of_deployment.where(_open()).values(ended=tables.now()))


def _began(connection: Connection, deployment_id: int, name: str, status: Status | None) -> None:
    find_deployment(connection, deployment_id)
    if status is not None:
        set_status(connection, deployment_id, status)
    last = connection.scalar(select(func.max(_COLUMNS.position)).where(_COLUMNS.deployment_id == deployment_id))
    row = {"deployment_id": deployment_id, "position": (last or 0) + 1, "name": name, "began": tables.now()}
    connection.execute(insert(tables.steps).values(row))


def _ended(connection: Connection, deployment_id: int, name: str) -> None:
    connection.execute(_last(deployment_id, name).where(_open()).values(ended=tables.now()))


def _open() -> ColumnElement[bool]:
    return _COLUMNS.ended.is_(None) & _COLUMNS.undone.is_(None)


def _last(deployment_id: int, name: str) -> Update:
    """The last step of that name."""
    same = (_COLUMNS.deployment_id == deployment_id) & (_COLUMNS.name == name)
    position = select(func.max(_COLUMNS.position)).where(same).scalar_subquery()
    return update(tables.steps).where(_COLUMNS.deployment_id == deployment_id, _COLUMNS.position == position)
