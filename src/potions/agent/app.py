"""The agent's API as an application, and the server that puts it on a unix socket."""

from __future__ import annotations

import socket

import uvicorn
from litestar import Litestar, Router, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.types import ASGIApp

from potions import API_LEVEL, __version__
from potions.agent.access import make_guard
from potions.agent.api.answers import answer_error
from potions.agent.api.apps import AppController, TrashController
from potions.agent.api.deployments import DeploymentController
from potions.agent.api.doctor import DoctorController
from potions.agent.api.domains import DomainController
from potions.agent.api.handed import Asked, principal
from potions.agent.api.logs import LogController
from potions.agent.api.people import InvitationController, PeopleController
from potions.agent.api.servers import servers
from potions.agent.api.sessions import OwnController, SessionController
from potions.agent.api.storage import StorageController
from potions.agent.api.terminal import terminal
from potions.agent.api.tokens import TokenController, audit
from potions.agent.api.variables import VariableController
from potions.agent.audit import AuditMiddleware
from potions.agent.handshakes import HandshakeMiddleware, remember_failure
from potions.agent.peer import admitting, admitting_sockets
from potions.layout import Home
from potions.listening import listen_privately
from potions.model.access import Needs
from potions.schema import PlatformStatus
from potions.schema.terminal import FRAME_MAX, PING_SECONDS, SILENCE_SECONDS
from potions.service import Service

#: Who may open the sockets of a server's agent; each is open to one of them, by its unit.
ADMIN_GROUPS = frozenset({"potions-admin", "potions"})


@get(
    "/status",
    sync_to_thread=True,
    needs=Needs.VIEWER,
    tags=["platform"],
    summary="The platform's parts, its apps, what is on its way",
)
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
            DomainController,
            StorageController,
            PeopleController,
            InvitationController,
            SessionController,
            OwnController,
            TokenController,
            audit,
            servers,
            terminal,
        ],
        dependencies={
            "service": Provide(lambda: service, sync_to_thread=False),
            "asker": Provide(principal, sync_to_thread=False),
        },
        guards=[make_guard(service)],
        middleware=[AuditMiddleware(service), HandshakeMiddleware(service)],
        after_exception=[remember_failure],
        exception_handlers={Exception: answer_error},
        openapi_config=OpenAPIConfig(
            title="Potions",
            version=__version__,
            # The description itself, and none of the pages that show one: they get their scripts from elsewhere.
            render_plugins=[JsonRenderPlugin(path="/"), YamlRenderPlugin()],
            openapi_router=Router("/schema", route_handlers=[], opt={"needs": Needs.ANYBODY}, include_in_schema=False),
        ),
    )


def serve(service: Service, home: Home) -> None:
    """Answer on both unix sockets of a home until a signal ends it. Only their owner may connect, from the first.

    Whoever connects to the one has all rights; on the other each request has to say on whose behalf it is made.
    """
    make_server(service).run(sockets=listen(home))


def make_server(service: Service) -> uvicorn.Server:
    """What answers on the sockets that it is given."""
    return server_of(make_app(service), ADMIN_GROUPS if service.context.settings.server else frozenset())


def server_of(app: ASGIApp, admitted: frozenset[str]) -> uvicorn.Server:
    """What puts an application behind the agent's protocol; ``admitted`` are groups, beside root and the own user."""
    config = uvicorn.Config(
        app,
        http=admitting(admitted),
        ws=admitting_sockets(admitted),
        ws_max_size=FRAME_MAX,
        # What is typed and printed is short, and nobody gains by packing it between two processes of one computer.
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=SILENCE_SECONDS,
        lifespan="off",
        log_config=None,
        access_log=False,
        # With every answer, refusals too: a client of another version finds out which of them is the older one.
        headers=[("Potions-Version", __version__), ("Potions-Api-Level", str(API_LEVEL))],
        # No header may say who the peer is.
        proxy_headers=False,
        # Whoever follows a log would otherwise hold the end up for as long as they like.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def listen(home: Home) -> list[socket.socket]:
    """Both sockets of a home."""
    return [listen_privately(home.agent_socket), listen_privately(home.web_socket)]
