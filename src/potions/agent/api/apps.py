"""Apps and the trash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from litestar import Controller, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from potions.agent.api.handed import AgentRequest, Asked, caller
from potions.agent.audit import noted
from potions.model.access import Needs
from potions.schema import AppCreate, AppDetail, AppSettings, AppSummary, Removal, RestoreRequest, TrashEntry
from potions.service import Service
from potions.turns import in_turn


class AppController(Controller):
    """What apps there are."""

    path = "/apps"
    tags = ("apps",)

    @get(sync_to_thread=True, needs=Needs.VIEWER, summary="Every app")
    def all(self, service: Asked) -> list[AppSummary]:
        return service.overview.apps()

    @post(sync_to_thread=True, needs=Needs.OWNER, act="create app", summary="Make an app")
    def create(self, request: AgentRequest, service: Asked, data: JSONBody[AppCreate]) -> AppDetail:
        noted(request).app = data.name[:60]
        return service.overview.app(service.apps.create(data.name, caller(request)).name)

    @get(
        "/{name:str}",
        sync_to_thread=True,
        needs=Needs.VIEWER,
        summary="One app; with measure, its storage is measured now",
    )
    def one(self, service: Asked, name: FromPath[str], measure: FromQuery[bool] = False) -> AppDetail:
        return service.overview.app(name, measure=measure)

    @get(
        "/{name:str}/settings",
        sync_to_thread=True,
        needs=Needs.VIEWER,
        summary="How the release that serves is run",
    )
    def settings(self, service: Asked, name: FromPath[str]) -> AppSettings:
        return service.app_settings.settings(name)

    @get("/{name:str}/removal", sync_to_thread=True, needs=Needs.VIEWER, summary="What a delete would take away")
    def removal(self, service: Asked, name: FromPath[str], purge: FromQuery[bool] = False) -> Removal:
        return service.apps.removal(name, purge=purge)

    @delete(
        "/{name:str}",
        status_code=200,
        needs=Needs.OWNER,
        act="delete app",
        summary="Delete an app, into the trash or for good",
    )
    async def delete(self, service: Asked, name: FromPath[str], purge: FromQuery[bool] = False) -> Removal:
        return await in_turn(partial(service.apps.delete, name, purge=purge))

    @post(
        "/{name:str}/stop",
        status_code=200,
        needs=Needs.DEPLOYER,
        act="stop",
        summary="Stop an app",
    )
    async def stop(self, service: Asked, name: FromPath[str]) -> AppDetail:
        return await in_turn(partial(_after, service, name, service.lifecycle.stop))

    @post(
        "/{name:str}/start",
        status_code=200,
        needs=Needs.DEPLOYER,
        act="start",
        summary="Start an app",
    )
    async def start(self, service: Asked, name: FromPath[str]) -> AppDetail:
        return await in_turn(partial(_after, service, name, service.lifecycle.start))

    @post(
        "/{name:str}/restart",
        status_code=200,
        needs=Needs.DEPLOYER,
        act="restart",
        summary="Restart an app's live slot",
    )
    async def restart(self, service: Asked, name: FromPath[str]) -> AppDetail:
        return await in_turn(partial(_after, service, name, service.lifecycle.restart))


def _after(service: Service, name: str, act: Callable[[str], object]) -> AppDetail:
    """The app as it is once that was done."""
    act(name)
    return service.overview.app(name)


class TrashController(Controller):
    """Deleted apps."""

    path = "/trash"
    tags = ("apps",)

    @get(sync_to_thread=True, needs=Needs.VIEWER, summary="What can be brought back")
    def all(self, service: Asked) -> list[TrashEntry]:
        return service.apps.trash()

    @delete(
        "/{name:str}",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.OWNER,
        act="purge app",
        summary="Remove a deleted app for good",
    )
    def purge(self, service: Asked, name: FromPath[str]) -> TrashEntry:
        return service.apps.purge_trash(name)

    @post(
        "/{name:str}/restore",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.OWNER,
        act="restore app",
        summary="Bring a deleted app back",
    )
    def restore(
        self, request: AgentRequest, service: Asked, name: FromPath[str], data: JSONBody[RestoreRequest]
    ) -> AppDetail:
        app = service.apps.restore(name, data.new_name, caller(request))
        noted(request).detail = "" if app.name == name else f"as {app.name}"
        return service.overview.app(app.name)
