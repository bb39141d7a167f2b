"""A service over a real store and real directories in which nothing runs: no supervisor, no proxy, no app."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from potions.layout import Home
from potions.service import Service
from potions.settings import Settings
from potions.wiring import make_service
from support.bare_home import app_account
from support.platform import free_port


@contextmanager
def still_service(home: Home, http_port: int | None = None) -> Iterator[Service]:
    """What it is asked that needs no running program, it answers as the agent's own does."""
    settings = Settings(
        http_port=http_port or free_port(),
        first_port=4000,
        epmd_port=free_port(),
        probe_token="token",
        app_user=app_account().name,
        search_path=os.defpath,
    )
    service = make_service(home, settings)
    yield service
    service.context.store.close()
