"""The Deployments tab: the history, deploying an archive, and deploying again."""

from __future__ import annotations

from functools import partial

import anyio.to_thread
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.upload import send_release, source_of
from potions.dashboard.visit import Visit, Visited
from potions.errors import PotionsError
from potions.schema import Deployment, ErrorBody

_PER_PAGE = 50
#: More the agent does not list.
_LISTED_MAX = 1000


class DeploymentsPages(Controller):
    """Everything that was ever deployed, and what is on its way."""

    path = "/apps/{name:str}"

    @get("/deployments", sync_to_thread=True)
    def history(self, visit: Visited, name: FromPath[str], before: FromQuery[int | None] = None) -> Template:
        return _history(visit, name, before)

    @post("/deployments", sync_to_thread=True)
    def deploy(self, visit: Visited, name: FromPath[str], data: Form) -> Template | Redirect:
        """Deploy a release that is kept; without one, what serves, with the variables saved now."""
        try:
            deployment = visit.agent.deploy(name, text(data, "release") or None)
        except PotionsError as problem:
            return _history(visit, name, None, problem)
        return visit.go(f"/apps/{name}/deployments/{deployment.number}")

    @post("/deployments/upload", request_max_body_size=None)
    async def upload(self, visit: Visited, name: FromPath[str]) -> Response[dict[str, str] | ErrorBody]:
        """The archive is the body. Answers a script with where to go on, or with the refusal."""
        try:
            release = await send_release(visit, name, source_of(visit.request))
            deployment = await anyio.to_thread.run_sync(partial(visit.agent.deploy, name, release.id))
        except PotionsError as problem:
            return _refusal(problem)
        return Response({"to": f"/apps/{name}/deployments/{deployment.number}"}, status_code=201, headers=_UNKEPT)


_UNKEPT = {"Cache-Control": "no-store"}


def _refusal(problem: PotionsError) -> Response[dict[str, str] | ErrorBody]:
    body = ErrorBody(problem.code, problem.what, problem.why, problem.do, problem.exit_status, problem.retry)
    return Response(body, status_code=problem.http_status, headers=_UNKEPT)


def _history(visit: Visit, name: str, before: int | None, problem: PotionsError | None = None) -> Template:
    shown, older = _page(visit.agent.deployments(name, _PER_PAGE + 1 if before is None else _LISTED_MAX), before)
    return visit.tab(
        "deployments",
        name,
        "app/deployments.html",
        problem=problem,
        app=visit.agent.app(name),
        waiting=[one for one in shown if not one.status.ended] if before is None else [],
        history=[one for one in shown if one.status.ended or before is not None],
        before=before,
        older=older,
    )


def _page(found: list[Deployment], before: int | None) -> tuple[list[Deployment], int | None]:
    """The deployments of one page, and before which number the next one goes on; None where there is none."""
    rest = [one for one in found if before is None or one.number < before]
    shown = rest[:_PER_PAGE]
    return shown, shown[-1].number if len(rest) > len(shown) else None
