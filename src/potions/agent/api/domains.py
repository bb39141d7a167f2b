"""Domains of apps."""

from __future__ import annotations

from functools import partial

from litestar import Controller, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from potions.agent.api.handed import AgentRequest, Asked, caller
from potions.agent.audit import noted
from potions.model.access import Needs
from potions.schema import AppDomains, DomainAdd, DomainsChanged
from potions.turns import in_turn


class DomainController(Controller):
    """At which names an app answers."""

    path = "/apps/{name:str}/domains"
    tags = ("domains",)

    @get(
        needs=Needs.VIEWER,
        summary="The domains of an app; with look, what DNS says of each and which certificate it has",
    )
    async def all(self, service: Asked, name: FromPath[str], look: FromQuery[bool] = False) -> AppDomains:
        return await in_turn(partial(service.domains.domains, name, look=look))

    @post(
        needs=Needs.OWNER,
        act="add domain",
        summary="Have an app answer at a domain, once its DNS records lead here",
    )
    async def add(
        self, request: AgentRequest, service: Asked, name: FromPath[str], data: JSONBody[DomainAdd]
    ) -> DomainsChanged:
        noted(request).detail = data.name[:60]
        return await in_turn(partial(service.domains.add, name, data, caller(request)))

    @delete(
        "/{domain:str}",
        status_code=200,
        needs=Needs.OWNER,
        act="remove domain",
        summary="Take a domain away",
    )
    async def remove(
        self, request: AgentRequest, service: Asked, name: FromPath[str], domain: FromPath[str]
    ) -> DomainsChanged:
        noted(request).detail = domain[:60]
        return await in_turn(partial(service.domains.remove, name, domain, caller(request)))

    @post(
        "/{domain:str}/primary",
        status_code=200,
        needs=Needs.OWNER,
        act="make domain primary",
        summary="Have a domain be the one the app is told of",
    )
    async def make_primary(
        self, request: AgentRequest, service: Asked, name: FromPath[str], domain: FromPath[str]
    ) -> DomainsChanged:
        noted(request).detail = domain[:60]
        return await in_turn(partial(service.domains.make_primary, name, domain, caller(request)))
