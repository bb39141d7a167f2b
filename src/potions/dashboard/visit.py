"""A browser's request to the dashboard: who asks, the agent asked on their behalf, and the page they get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.response import Redirect, Response, Template

from potions.client import Behalf, Client, Streams
from potions.dashboard.measured import Measured
from potions.dashboard.place import Place
from potions.errors import PotionsError, RoleNeeded, SignInNeeded
from potions.names import parse_app_name
from potions.schema import Caller, Role

BrowserRequest = Request[Any, Any, Any]

#: Seconds. What was done is told on the next page, or not at all.
_SAID_FOR = 60
#: What a cookie may hold, with room for its name and attributes.
_SAID_MAX = 1500


def behalf_of(connection: ASGIConnection[Any, Any, Any, Any], place: Place) -> Behalf:
    """The credential in a browser's cookie, if there is one, and where it comes from."""
    client = connection.client
    credential = connection.cookies.get(place.cookie("session"))
    return Behalf(credential, client.host if client else "", connection.headers.get("User-Agent", ""))


@dataclass(frozen=True)
class Door:
    """A request of somebody who need not be signed in."""

    request: BrowserRequest
    place: Place
    connections: Client
    """To the agent, which all requests share."""

    @property
    def behalf(self) -> Behalf:
        """The credential in the cookie, if there is one, and where it comes from."""
        return behalf_of(self.request, self.place)

    @property
    def strangers_behalf(self) -> Behalf:
        """Where the browser is, without a credential."""
        return replace(self.behalf, credential=None)

    @property
    def agent(self) -> Client:
        """The agent, asked with what the browser carries."""
        return self.connections.speaking_for(self.behalf)

    @property
    def agent_for_strangers(self) -> Client:
        """The agent, asked without any credential."""
        return self.connections.speaking_for(self.strangers_behalf)

    def streams(self) -> Streams:
        """The agent for what flows. Use it as an async context manager."""
        return Streams(self.place.agent, self.behalf)

    def page(
        self, template: str, *, status: int = 200, problem: PotionsError | None = None, **context: Any
    ) -> Template:
        """A page. ``problem`` is told above its content, and makes the status that of the refusal."""
        said = self.request.cookies.get(self.place.cookie("said"))
        told = {"said": unquote(said)[:_SAID_MAX] if said else "", "problem": problem}
        return Template(
            template,
            context={**self.known(), **told, **context},
            status_code=problem.http_status if problem else status,
            cookies=[self._cookie("said", "", 0)] if said else [],
            # A page shows what is now, and may hold what only this person may see.
            headers={"Cache-Control": "no-store"},
        )

    def known(self) -> dict[str, object]:
        """What every page knows."""
        return {
            "caller": None,
            "place": self.place,
            "path": self.request.url.path,
            "here": _path_and_query(self.request),
        }

    def go(self, path: str, said: str = "") -> Redirect:
        """On to another page, which says once what was done."""
        return Redirect(
            path, status_code=303, cookies=[self._cookie("said", quote(said[:300]), _SAID_FOR)] if said else []
        )

    def signed_in(self, credential: str, path: str, said: str = "") -> Redirect:
        """On to another page, with a new session."""
        answer = self.go(path, said)
        answer.cookies.append(self._cookie("session", credential, 90 * 86400))
        return answer

    def forget(self, answer: Response[Any]) -> None:
        """Have the browser forget its session."""
        answer.cookies.append(self._cookie("session", "", 0))

    def _cookie(self, name: str, value: str, seconds: int) -> Cookie:
        return Cookie(
            key=self.place.cookie(name),
            value=value,
            max_age=seconds,
            path="/",
            secure=self.place.is_https,
            httponly=True,
            samesite="lax",
        )


@dataclass(frozen=True)
class Visit(Door):
    """A request of somebody who is signed in."""

    caller: Caller

    def known(self) -> dict[str, object]:
        return {**super().known(), "caller": self.caller}

    def tab(
        self, tab: str, name: str, template: str, *, problem: PotionsError | None = None, **context: Any
    ) -> Template:
        """A page of the app ``name``, below its tabs."""
        return self.page(template, problem=problem, tab=tab, name=parse_app_name(name), **context)

    def require(self, needed: Role) -> None:
        """Raise RoleNeeded for a page with a form that the agent would refuse anyway, before anything is typed."""
        ranks = (Role.VIEWER, Role.DEPLOYER, Role.OWNER)
        if ranks.index(self.caller.role) < ranks.index(needed):
            raise RoleNeeded("this page", needed.value, self.caller.role.value)

    @property
    def measured(self) -> Measured:
        """What the storages held when somebody measured them last."""
        found: Measured = self.request.app.state.measured
        return found

    @property
    def may_deploy(self) -> bool:
        return self.caller.role in {Role.OWNER, Role.DEPLOYER}


#: What handlers take.
Opened = NamedDependency[Door]
Visited = NamedDependency[Visit]


def provide_door(request: BrowserRequest) -> Door:
    """For pages that anybody may see."""
    state = request.app.state
    return Door(request, state.place, state.connections)


def provide_visit(request: BrowserRequest) -> Visit:
    """For all other pages; raises SignInNeeded, SessionEnded, RoleNeeded and what else the agent refuses.

    A page whose handler says ``needs=Role.OWNER`` has a form that the agent would refuse to others in the end.
    """
    door = provide_door(request)
    if not door.behalf.credential:
        raise SignInNeeded()
    # A page about a problem is still a page of theirs, with the way on.
    request.state.visit = Visit(door.request, door.place, door.connections, door.agent.caller())
    visit: Visit = request.state.visit
    if needed := request.route_handler.opt.get("needs"):
        visit.require(needed)
    return visit


def sign_in_path(request: BrowserRequest) -> str:
    """Where to sign in, and to come back from to the page that was asked for."""
    path = page_asked_for(request)
    return "/sign-in" + ("" if path == "/" else "?" + urlencode({"next": path}))


def page_asked_for(request: BrowserRequest) -> str:
    """Where a browser can be sent to once more: a form is not sent a second time, but the page it was on is shown."""
    if request.method == "GET":
        return _path_and_query(request)
    place: Place = request.app.state.place
    before = request.headers.get("Referer", "")
    return own_path(before.removeprefix(place.address)) if before.startswith(f"{place.address}/") else "/"


def _path_and_query(request: BrowserRequest) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def own_path(text: str) -> str:
    """``text`` if it is a path of this dashboard, else ``/``: nobody is sent elsewhere by a link."""
    plain = text.isascii() and text.isprintable() and text.startswith("/") and text[1:2] not in {"/", "\\"}
    return text if plain else "/"
