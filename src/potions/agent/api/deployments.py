"""Releases and deployments, with the log of each as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import anyio.to_thread
import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from potions.agent.api.handed import AgentRequest, Asked, caller
from potions.agent.audit import noted
from potions.agent.streams import NDJSON, follow
from potions.model.access import Needs
from potions.schema import (
    Deployment,
    DeploymentCreate,
    Release,
    ReleaseDiff,
    ReleaseEntry,
    RollbackPreview,
    RollbackRequest,
    RollbackVariables,
)
from potions.service.deployments import Upload

_PIECE = 1024 * 1024
#: A deployment's number in a path. What is larger fits no database.
Number = Annotated[int, PathParameter(ge=0, le=2**63 - 1)]

#: How many files a diff names; two of the largest releases differ in no more.
Files = Annotated[int, QueryParameter(ge=0, le=400_000)]


class DeploymentController(Controller):
    """What was deployed, and what is on its way."""

    path = "/apps/{name:str}"
    tags = ("deployments",)

    @post(
        "/releases",
        request_max_body_size=None,
        needs=Needs.DEPLOYER,
        act="send release",
        summary="Send a release: the archive itself is the body",
    )
    async def receive(
        self,
        request: AgentRequest,
        service: Asked,
        name: FromPath[str],
        source: FromQuery[str] = "",
        packed: Annotated[int | None, HeaderParameter(name="Potions-Packed-Bytes", ge=0)] = None,
        unpacked: Annotated[int | None, HeaderParameter(name="Potions-Unpacked-Bytes", ge=0)] = None,
    ) -> Release:
        upload = await anyio.to_thread.run_sync(service.deployments.begin_upload, name, packed, unpacked)
        try:
            await _receive(request.stream(), upload)
            release = await anyio.to_thread.run_sync(service.deployments.finish_upload, name, upload, source, packed)
            noted(request).detail = release.label
            return release
        finally:
            await anyio.to_thread.run_sync(upload.discard)

    @get("/releases", sync_to_thread=True, needs=Needs.VIEWER, summary="Every release that was sent, newest first")
    def releases(self, service: Asked, name: FromPath[str]) -> list[ReleaseEntry]:
        return service.releases.releases(name)

    @get(
        "/releases/diff",
        sync_to_thread=True,
        needs=Needs.VIEWER,
        summary="What differs between two releases; without names, in the last",
    )
    def diff(
        self,
        service: Asked,
        name: FromPath[str],
        before: FromQuery[str | None] = None,
        after: FromQuery[str | None] = None,
        limit: Files = 1000,
    ) -> ReleaseDiff:
        return service.releases.diff(name, before, after, limit)

    @post(
        "/deployments",
        sync_to_thread=True,
        status_code=202,
        needs=Needs.DEPLOYER,
        act="deploy",
        summary="Deploy a release, or redeploy",
    )
    def deploy(
        self, request: AgentRequest, service: Asked, name: FromPath[str], data: JSONBody[DeploymentCreate]
    ) -> Deployment:
        return _noted(request, service.deployments.deploy(name, data.release, caller(request)))

    @post(
        "/rollback",
        sync_to_thread=True,
        status_code=202,
        needs=Needs.DEPLOYER,
        act="roll back",
        summary="Go back: to what served before, or further",
    )
    def rollback(
        self,
        request: AgentRequest,
        service: Asked,
        name: FromPath[str],
        data: JSONBody[RollbackRequest | None] = None,
    ) -> Deployment:
        return _noted(request, service.rollbacks.rollback(name, data or RollbackRequest(), caller(request)))

    @get("/rollback", sync_to_thread=True, needs=Needs.VIEWER, summary="What a rollback would do")
    def preview(
        self,
        service: Asked,
        name: FromPath[str],
        to: FromQuery[str | None] = None,
        env: FromQuery[RollbackVariables] = RollbackVariables.THEN,
    ) -> RollbackPreview:
        return service.rollbacks.preview(name, RollbackRequest(to, env))

    @get("/deployments", sync_to_thread=True, needs=Needs.VIEWER, summary="The history, newest first")
    def all(
        self, service: Asked, name: FromPath[str], limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 50
    ) -> list[Deployment]:
        return service.deployments.deployments(name, limit)

    @get("/deployments/{number:int}", sync_to_thread=True, needs=Needs.VIEWER, summary="One deployment")
    def one(self, service: Asked, name: FromPath[str], number: Number) -> Deployment:
        return service.deployments.deployment(name, number)

    @post(
        "/deployments/{number:int}/cancel",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.DEPLOYER,
        act="cancel",
        summary="Cancel a deployment",
    )
    def cancel(self, service: Asked, name: FromPath[str], number: Number) -> Deployment:
        return service.deployments.cancel(name, number)

    @get(
        "/deployments/{number:int}/events",
        sync_to_thread=True,
        needs=Needs.VIEWER,
        summary="The log of a deployment, live on request",
    )
    def events(
        self,
        service: Asked,
        name: FromPath[str],
        number: Number,
        follow_it: Annotated[bool, QueryParameter(name="follow")] = False,
        drain: FromQuery[bool] = False,
        after: Annotated[int, QueryParameter(ge=0, le=2**53, description="An event's position: begin behind it.")] = 0,
    ) -> Stream:
        service.deployments.deployment(name, number)
        service.deployments.check_position(name, number, after)
        events = _events(service, name, number, after, follow_it=follow_it, drain=drain)
        return Stream(events, media_type=NDJSON)


def _noted(request: AgentRequest, deployment: Deployment) -> Deployment:
    noted(request).detail = f"{deployment.kind} {deployment.number} of {deployment.release.label}"
    return deployment


async def _receive(chunks: AsyncIterator[bytes], upload: Upload) -> None:
    """Write in large pieces, in a thread: a slow disk must not hold the other requests up."""
    pieces = bytearray()
    async for chunk in chunks:
        pieces += chunk
        if len(pieces) >= _PIECE:
            await anyio.to_thread.run_sync(upload.write, bytes(pieces))
            pieces.clear()
    if pieces:
        await anyio.to_thread.run_sync(upload.write, bytes(pieces))


def _events(
    service: Asked, name: FromPath[str], number: int, position: int, *, follow_it: bool, drain: bool
) -> AsyncIterator[bytes]:
    def read() -> list[bytes]:
        nonlocal position
        events, position = service.deployments.events(name, number, position)
        return [msgspec.json.encode(event) + b"\n" for event in events]

    def is_over() -> bool:
        deployment = service.deployments.deployment(name, number)
        return not follow_it or (deployment.status.ended and not (drain and deployment.draining))

    return follow(read, is_over)
