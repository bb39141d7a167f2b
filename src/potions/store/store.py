"""The store: what the agent remembers, in one SQLite file. A file a noun beside this one has the methods."""

from __future__ import annotations

from pathlib import Path

from potions.store.apps import Apps
from potions.store.audit import Audit
from potions.store.condition import Condition
from potions.store.database import Database
from potions.store.deployments import Deployments
from potions.store.domains import Domains
from potions.store.invitations import Invitations
from potions.store.journal import Journal
from potions.store.people import People
from potions.store.progress import Progress
from potions.store.releases import Releases
from potions.store.revision import bring_to_head
from potions.store.sealing import Sealer
from potions.store.second_factor import SecondFactor
from potions.store.sessions import Sessions
from potions.store.storage_samples import StorageSamples
from potions.store.tokens import Tokens
from potions.store.trash import Trash
from potions.store.variable_history import VariableHistory
from potions.store.variables import Variables


class Store(
    Apps,
    Trash,
    Domains,
    Variables,
    VariableHistory,
    Releases,
    Deployments,
    Progress,
    Journal,
    StorageSamples,
    Condition,
    People,
    Invitations,
    SecondFactor,
    Sessions,
    Tokens,
    Audit,
):
    """Every method is one short transaction, on the disk when it returns, and may be called from any thread.

    Values of variables are sealed before they are written. Every moment is in UTC. Besides the errors a method names,
    each may raise StoreFailed (the file cannot be used) and NoRoom (the disk is full); then nothing has changed.
    """

    @classmethod
    def open(cls, path: Path, sealer: Sealer) -> Store:
        """Open the database at ``path``, or make it (mode 0600), and bring its tables to this version's.

        Raises StoreFailed for a damaged file, and for one that a newer version of Potions made.
        """
        database = Database(path)
        try:
            database.prepare()
            bring_to_head(database)
        except BaseException:
            database.close()
            raise
        return cls(database, sealer)

    def close(self) -> None:
        """Nothing can be asked afterwards. What was written is safe without it."""
        self._database.close()
