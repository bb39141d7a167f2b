"""The agent's API as an application, and the server that puts it on a unix socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import uvicorn
from litestar import Litestar, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from potions import __version__
from potions.agent.api.answers import answer_error
from potions.agent.api.apps import AppController, TrashController
from potions.agent.api.deployments import DeploymentController
from potions.agent.api.doctor import DoctorController
from potions.agent.api.handed import Asked
from potions.agent.api.logs import LogController
from potions.agent.api.storage import StorageController
from potions.agent.api.variables import VariableController
from potions.agent.peer import PeerProtocol
from potions.schema import PlatformStatus
from potions.service import Service


@get("/status", sync_to_thread=True, tags=["platform"], summary="The platform's parts, its apps, what is on its way")
def status(service: Asked) -> PlatformStatus:
    return service.overview.status()


def make_app(service: Service) -> Litestar:
    """The API over a service. Its description is at ``/schema``."""
    return Litestar(
        route_handlers=[
            status,
            AppController,
            TrashController,
            DeploymentController,
            VariableController,
            LogController,
            DoctorController,
            StorageController,
        ],
        dependencies={"service": Provide(lambda: service, sync_to_thread=False)},
        exception_handlers={Exception: answer_error},
        openapi_config=OpenAPIConfig(title="Potions", version=__version__),
    )


def serve(service: Service, path: Path) -> None:
    """Answer on the unix socket ``path`` until a signal ends it. Only its owner may connect, from its first moment."""
    config = uvicorn.Config(
        make_app(service),
        http=PeerProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        # Whoever follows a log would otherwise hold the end up for as long as they like.
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[_listen(path)])


def _listen(path: Path) -> socket.socket:
    """A listening socket with mode 0600. What an agent that was killed left at its path is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener
