"""One deployment: its steps and its log, live while it goes on; cancelling it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, PathParameter
from litestar.response import Redirect, Stream, Template
from litestar.response.sse import ServerSentEvent

from potions.dashboard.following import follow, seen_last
from potions.dashboard.transcript import read, row_of
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError
from potions.schema import AppDetail, Deployment, Event, ReleaseState, Status

#: A deployment's number in a path. What is larger fits no database.
Number = Annotated[int, PathParameter(ge=0, le=2**63 - 1)]


_UNSERVED = {Status.FAILED, Status.CANCELLED}


class DeploymentPages(Controller):
    """What became of one deployment."""

    path = "/apps/{name:str}/deployments/{number:int}"

    @get(sync_to_thread=True)
    def show(self, visit: Visited, name: FromPath[str], number: Number) -> Template:
        return _show(visit, name, number)

    @get("/now", sync_to_thread=True)
    def now(self, visit: Visited, name: FromPath[str], number: Number) -> Template:
        """What changes besides the log, for the page to take over: where it stands, and how it ended."""
        return visit.tab("deployments", name, "app/deployment_now.html", **_standing(visit, name, number))

    @get("/events")
    async def events(
        self, visit: Visited, name: FromPath[str], number: Number, after: FromQuery[str] = ""
    ) -> ServerSentEvent:
        """The log behind what the browser has, as it grows."""
        # Before the stream begins: an error has to be an answer of its own.
        await anyio.to_thread.run_sync(partial(visit.agent.deployment, name, number))
        seen = seen_last(visit.request, after)
        return ServerSentEvent(follow(visit, name, number, seen), headers={"Cache-Control": "no-store"})

    @get("/log", sync_to_thread=True)
    def log(self, visit: Visited, name: FromPath[str], number: Number) -> Stream:
        """The whole log as a text file."""
        visit.agent.deployment(name, number)
        return Stream(
            _text(visit.agent.events(name, number)),
            media_type="text/plain",
            headers={
                "Content-Disposition": f'attachment; filename="{name}-deployment-{number}.log"',
                "Cache-Control": "no-store",
            },
        )

    @post("/cancel", sync_to_thread=True)
    def cancel(self, visit: Visited, name: FromPath[str], number: Number) -> Template | Redirect:
        try:
            cancelled = visit.agent.cancel(name, number)
        except PotionsError as problem:
            return _show(visit, name, number, problem)
        ended = cancelled.status.ended
        return visit.go(
            f"/apps/{name}/deployments/{number}",
            f"Deployment {number} was cancelled." if ended else f"Deployment {number} is being cancelled.",
        )


def _show(visit: Visit, name: str, number: int, problem: PotionsError | None = None) -> Template:
    # Before the log: what ends in between is then in the stream, and not told as over with half a log.
    standing = _standing(visit, name, number)
    log = read(visit.agent.events(name, number))
    return visit.tab("deployments", name, "app/deployment.html", problem=problem, log=log, **standing)


def _standing(visit: Visit, name: str, number: int) -> dict[str, Any]:
    """What a page says about a deployment besides its log."""
    deployment = visit.agent.deployment(name, number)
    ended = deployment.status.ended
    app: AppDetail | None = visit.agent.app(name) if ended else None
    return {
        "deployment": deployment,
        "goes_on": not ended or deployment.draining,
        "app": app,
        "serves": app is not None and app.summary.serves is not None and app.summary.serves.number == number,
        "is_kept": _is_kept(visit, deployment) if deployment.status in _UNSERVED else True,
        "ahead": _ahead(visit, deployment) if deployment.status is Status.QUEUED else [],
    }


def _is_kept(visit: Visit, deployment: Deployment) -> bool:
    """Whether the release can be deployed once more: an archive that could not be used is not kept."""
    state = {entry.release.id: entry.state for entry in visit.agent.releases(deployment.app)}
    return state.get(deployment.release.id) not in {ReleaseState.PRUNED, ReleaseState.MISSING, None}


def _ahead(visit: Visit, deployment: Deployment) -> list[Deployment]:
    """Who runs or waits before it, of all apps."""
    queue = visit.agent.status().running
    ids = [one.id for one in queue]
    return queue[: ids.index(deployment.id)] if deployment.id in ids else []


def _text(events: Iterator[Event]) -> Iterator[bytes]:
    for event in events:
        row = row_of(event)
        if row is not None:
            yield row.plain.encode()
