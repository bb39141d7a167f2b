"""The dashboard as an application, and the server that puts it on its unix socket."""

from __future__ import annotations

import uvicorn
from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from potions.client import Client
from potions.dashboard.api_door import pass_on
from potions.dashboard.form_limit import LARGE_BYTES_MAX, FormLimit
from potions.dashboard.guarding import add_security_headers, refuse_other_origins
from potions.dashboard.looks import STATIC, make_engine
from potions.dashboard.measured import Measured
from potions.dashboard.pages import PAGES
from potions.dashboard.place import Place
from potions.dashboard.problems import PROBLEM_HANDLERS
from potions.dashboard.visit import provide_door, provide_visit
from potions.listening import listen_privately
from potions.schema.terminal import FRAME_MAX, PING_SECONDS, SILENCE_SECONDS

#: Seconds. The address of an asset has its hash in it.
_YEAR = 365 * 86400


def make_app(place: Place) -> Litestar:
    """The pages of one dashboard."""
    assets = create_static_files_router(
        path="/static",
        directories=[STATIC],
        name="static",
        cache_control=CacheControlHeader(public=True, max_age=_YEAR, immutable=True),
        opt={"exclude_from_csrf": True},
    )
    return Litestar(
        route_handlers=[*PAGES, pass_on, assets],
        dependencies={
            "door": Provide(provide_door, sync_to_thread=False),
            "visit": Provide(provide_visit, sync_to_thread=True),
        },
        before_request=refuse_other_origins,
        middleware=[FormLimit],
        exception_handlers=PROBLEM_HANDLERS,
        csrf_config=CSRFConfig(
            secret=place.key.hex(),
            cookie_name=place.cookie("csrf"),
            cookie_secure=place.is_https,
            cookie_httponly=True,
            cookie_samesite="strict",
        ),
        before_send=[add_security_headers],
        template_config=TemplateConfig(instance=make_engine()),
        request_max_body_size=LARGE_BYTES_MAX,
        openapi_config=None,
        state=State({"place": place, "connections": Client(place.agent), "measured": Measured()}),
    )


def serve(place: Place) -> None:
    """Answer on the dashboard's socket until a signal ends it."""
    config = uvicorn.Config(
        make_app(place),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=FRAME_MAX,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=SILENCE_SECONDS,
        # The proxy in front says where a browser is; nobody else can open the socket.
        forwarded_allow_ips="*",
        # Whoever follows a log would otherwise hold the end up for as long as they like.
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listen_privately(place.listens)])
