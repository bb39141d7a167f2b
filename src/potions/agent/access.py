"""The one guard before every route: who asks, and whether the route is for them.

A route declares what it needs, in its decorator: ``needs=Needs.DEPLOYER``. ``flag="reveal"`` names a query parameter
that asks for values, so that it needs a deployer; ``about="person"`` one that asks about somebody else, for owners
alone. A route that declares nothing needs an owner.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

import anyio
import anyio.to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from potions.errors import CredentialRefused, SignInNeeded
from potions.layout import AGENT_SOCKET
from potions.model.access import Needs, Principal, Role, Way, refuse
from potions.service import Service

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

#: Where the browser is that the dashboard asks for. For people to read, and to slow down who guesses passwords.
FROM = "Potions-From"
_FROM_MAX = 64
_ASKER = "potions_asker"
_BELOW_AN_APP = "/apps/{name}"
_BEARER = "bearer"

#: Looking up who asks never waits for the threads in which long work is done.
_LOOKING = anyio.CapacityLimiter(8)


def make_guard(service: Service) -> Guard:
    """The guard of all routes."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        needs = needs_of(connection, handler)
        if needs is Needs.NOBODY:
            return
        asker = await _find_asker(service, connection)
        # Before it is refused, so that the log knows who was.
        connection.scope["state"][_ASKER] = asker
        refuse(asker, needs, act_of(connection.scope), app_of(connection.scope))

    return guard


def make_recheck(service: Service, connection: Connection) -> Callable[[], Awaitable[None]]:
    """Whether who opened a connection that stays may still have it. Raises as the guard does.

    A person who was removed, or signed out, or has another role now.
    """
    handler = connection.route_handler

    async def recheck() -> None:
        asker = await _find_asker(service, connection)
        refuse(asker, needs_of(connection, handler), act_of(connection.scope), app_of(connection.scope))

    return recheck


def asker_of(scope: Mapping[str, Any]) -> Principal | None:
    """Who asks; None where that was not asked, or not found out."""
    found: Principal | None = scope.get("state", {}).get(_ASKER)
    return found


def needs_of(connection: Connection, handler: BaseRouteHandler) -> Needs:
    """What the route needs for this query."""
    needs: Needs = handler.opt.get("needs", Needs.OWNER)
    about = handler.opt.get("about")
    if about is not None and about in connection.query_params:
        return Needs.OWNER
    if asks_for_values(connection, handler):
        return Needs.DEPLOYER
    return needs


def asks_for_values(connection: Connection, handler: BaseRouteHandler) -> bool:
    """Whether the route's flag is there, and is not for certain off."""
    flag = handler.opt.get("flag")
    return flag is not None and any(value != "false" for value in connection.query_params.getall(flag, []))


def act_of(scope: Mapping[str, Any]) -> str:
    """What the route does, in words."""
    act: str = scope["route_handler"].opt.get("act", "")
    return act or f"{scope['method']} {scope['path_template']}"


def app_of(scope: Mapping[str, Any]) -> str | None:
    """The app that a request is about, by the route that was found for it and never by the text of the path."""
    template: str = scope.get("path_template", "")
    if template == _BELOW_AN_APP or template.startswith(f"{_BELOW_AN_APP}/"):
        name: str = scope["path_params"]["name"]
        return name
    return None


def has_all_rights(scope: Mapping[str, Any]) -> bool:
    """Whether the connection came through the socket whose peers may do everything."""
    server = scope.get("server")
    return server is not None and PurePath(server[0]).name == AGENT_SOCKET


def address_of(connection: Connection) -> str:
    """Where the browser is, as the dashboard says; empty where it says nothing that can be shown."""
    said = connection.headers.get(FROM, "").strip()
    return said if said.isprintable() and len(said) <= _FROM_MAX else ""


def system_user(connection: Connection) -> str:
    """The name of the user at the other end of the socket, as the kernel says."""
    return connection.client.host if connection.client else ""


async def _find_asker(service: Service, connection: Connection) -> Principal:
    credential = _credential(connection)
    if credential is not None:
        look = partial(service.authentication.principal, credential, address_of(connection))
        return await anyio.to_thread.run_sync(look, limiter=_LOOKING)
    if has_all_rights(connection.scope):
        return Principal(system_user(connection), Way.CLI, Role.OWNER, address=address_of(connection))
    raise SignInNeeded


def _credential(connection: Connection) -> str | None:
    """What the request carries; None only where it carries nothing at all. Anything else is good, or is refused."""
    given = connection.headers.getall("authorization", [])
    if not given:
        return None
    if len(given) > 1:
        raise CredentialRefused("It is there more than once.")
    scheme, _, credential = given[0].strip().partition(" ")
    if scheme.lower() != _BEARER or not credential.strip():
        raise CredentialRefused("It is empty, or of another kind.")
    return credential.strip()
