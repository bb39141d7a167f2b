"""A service over a real store and real directories in which nothing runs: no supervisor, no proxy, no app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from potions.layout import Home
from potions.service import Service
from potions.settings import ServerSettings
from potions.wiring import make_service
from support.bare_home import bare_settings


@contextmanager
def still_service(home: Home, http_port: int | None = None, server: ServerSettings | None = None) -> Iterator[Service]:
    """What it is asked that needs no running program, it answers as the agent's own does."""
    service = make_service(home, bare_settings(http_port, server))
    yield service
    service.context.store.close()
