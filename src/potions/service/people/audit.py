"""The log of who did what."""

from __future__ import annotations

from potions.model.access import Principal
from potions.model.person import AuditEntry
from potions.store.store import Store

#: A detail is for people to read; more than this nobody does.
_DETAIL_MAX = 500


class AuditService:
    """Written by the API for each request, in one place; read by owners."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, asker: Principal, act: str, app: str, detail: str, outcome: str) -> None:
        """Remember that ``asker`` did ``act``, or was refused it (``outcome`` is the code then)."""
        short = detail if len(detail) <= _DETAIL_MAX else detail[: _DETAIL_MAX - 1] + "…"
        self._store.write_audit(
            who=asker.name, way=asker.way, address=asker.address, act=act, app=app, detail=short, outcome=outcome
        )

    def entries(self, limit: int, before: int | None, app: str | None, person: str | None) -> list[AuditEntry]:
        """The newest first."""
        return self._store.audit(limit, before, app, person)
