"""Who may ask what: every route, for everybody who may come through the web's door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from litestar import Litestar

from potions.agent.app import make_app
from potions.client import Client
from potions.model.access import Needs, Role
from potions.schema import Caller, TokenAccess
from support.doors import Doors

N, A, P, V, D, O = Needs  # noqa: E741 - as short as the columns below are

SOCKET = "WEBSOCKET "

#: Every route, and what it needs. A new one is written down here.
TABLE: dict[str, Needs] = {
    "GET /anybody": N,
    "POST /sessions": N,
    "GET /invitations/{token}": N,
    "POST /invitations/{token}": N,
    "GET /session": A,
    "DELETE /session": P,
    "GET /sessions": P,
    "DELETE /sessions": P,
    "DELETE /sessions/{which}": P,
    "POST /person/password": P,
    "POST /person/totp": P,
    "POST /person/totp/confirm": P,
    "DELETE /person/totp": P,
    "GET /tokens": P,
    "POST /tokens": P,
    "DELETE /tokens/{which}": P,
    "POST /invitations": O,
    "GET /people": O,
    "POST /people": O,
    "PATCH /people/{person}": O,
    "DELETE /people/{person}": O,
    "POST /people/{person}/invitation": O,
    "DELETE /people/{person}/totp": O,
    "GET /audit": O,
    "GET /servers": O,
    "GET /status": V,
    "GET /doctor": V,
    "POST /doctor/fix": O,
    "GET /apps": V,
    "POST /apps": O,
    "GET /apps/{name}": V,
    "DELETE /apps/{name}": O,
    "GET /apps/{name}/removal": V,
    "GET /apps/{name}/settings": V,
    "GET /apps/{name}/doctor": V,
    "POST /apps/{name}/doctor/fix": O,
    "WEBSOCKET /apps/{name}/terminal": O,
    "POST /apps/{name}/stop": D,
    "POST /apps/{name}/start": D,
    "POST /apps/{name}/restart": D,
    "GET /apps/{name}/domains": V,
    "POST /apps/{name}/domains": O,
    "DELETE /apps/{name}/domains/{domain}": O,
    "POST /apps/{name}/domains/{domain}/primary": O,
    "GET /trash": V,
    "DELETE /trash/{name}": O,
    "POST /trash/{name}/restore": O,
    "POST /apps/{name}/releases": D,
    "GET /apps/{name}/releases": V,
    "GET /apps/{name}/releases/diff": V,
    "POST /apps/{name}/deployments": D,
    "GET /apps/{name}/deployments": V,
    "GET /apps/{name}/deployments/{number}": V,
    "GET /apps/{name}/deployments/{number}/events": V,
    "POST /apps/{name}/deployments/{number}/cancel": D,
    "POST /apps/{name}/rollback": D,
    "GET /apps/{name}/rollback": V,
    "GET /apps/{name}/logs": V,
    "GET /apps/{name}/logs/file": V,
    "GET /apps/{name}/variables": V,
    "GET /apps/{name}/variables?reveal=true": D,
    "GET /apps/{name}/variables?reveal=1": D,
    "GET /apps/{name}/variables?reveal=false&reveal=true": D,
    "GET /apps/{name}/variables?%72eveal=true": D,
    "PATCH /apps/{name}/variables": D,
    "GET /apps/{name}/variables/named/{variable}": D,
    "POST /apps/{name}/variables/preview": D,
    "GET /apps/{name}/variables/export": D,
    "GET /apps/{name}/variables/history": V,
    "GET /apps/{name}/storage/usage": V,
    "GET /apps/{name}/storage/history": V,
    "GET /apps/{name}/storage/entries": V,
    "GET /apps/{name}/storage/entry": V,
    "DELETE /apps/{name}/storage/entry": D,
    "POST /apps/{name}/storage/folders": D,
    "POST /apps/{name}/storage/move": D,
    "GET /apps/{name}/storage/file": D,
    "PUT /apps/{name}/storage/file": D,
    "GET /apps/{name}/storage/archive": D,
    "PUT /apps/{name}/storage/archive": D,
    "GET /sessions?person=ghost": O,
    "DELETE /sessions?person=ghost": O,
    "GET /schema": A,
    "GET /schema/openapi.json": A,
}
#: Pages of the description, which come from Litestar and all need the same.
DESCRIPTION = "/schema"

REFUSALS = {"sign-in-needed", "role-needed", "token-limited"}


class Asker(NamedTuple):
    """Somebody, and what they may."""

    client: Client | None
    may: set[Needs]


@pytest.fixture(scope="module")
def askers(doors: Doors) -> Iterator[dict[str, Asker]]:
    """One of each kind. The tokens are an owner's; the last one is for another app."""
    people = {role: doors.person(role)[1] for role in Role}
    owner = people[Role.OWNER]
    yield {
        "nobody": Asker(None, {N}),
        "viewer": Asker(people[Role.VIEWER], {N, A, P, V}),
        "deployer": Asker(people[Role.DEPLOYER], {N, A, P, V, D}),
        "owner": Asker(owner, {N, A, P, V, D, O}),
        "read token": Asker(doors.token(owner, TokenAccess.READ), {N, A, V}),
        "write token": Asker(doors.token(owner, TokenAccess.WRITE), {N, A, V, D}),
        "a viewer's token": Asker(doors.token(people[Role.VIEWER], TokenAccess.READ), {N, A, V}),
        "another app's token": Asker(doors.token(owner, TokenAccess.WRITE, "shop"), {N, A}),
    }


WHO = ("nobody", "viewer", "deployer", "owner", "read token", "write token", "a viewer's token", "another app's token")


@pytest.mark.parametrize("who", WHO)
def test_every_route_answers_those_it_is_for(doors: Doors, askers: dict[str, Asker], who: str) -> None:
    """And refuses all others, before it looks at what they sent."""
    wrong = []
    for route, needs in TABLE.items():
        if route.startswith(SOCKET):
            # A request that is none of HTTP; test_terminal.py asks for it.
            continue
        # The session that asks ends there.
        asker = askers[who] if route != "DELETE /session" else _fresh(doors, askers, who)
        refused = _code(doors, asker.client, route) in REFUSALS
        if refused == (needs in asker.may):
            wrong.append(f"{route}: {'refused' if refused else 'answered'}")
    assert wrong == []


def _fresh(doors: Doors, askers: dict[str, Asker], who: str) -> Asker:
    return Asker(doors.person(Role(who))[1], askers[who].may) if who in set(Role) else askers[who]


def _code(doors: Doors, client: Client | None, route: str) -> str:
    """The code of the refusal that a request gets; empty where there was none. It asks for what is not there."""
    method, path = route.split(" ")
    words = {
        "name": "ghost",
        "number": "1",
        "token": "none",
        "person": "ghost",
        "domain": "none.example",
        "which": "999999",
        "variable": "NONE",
    }
    http = (client or doors.web)._http
    answer = http.request(
        method, path.format(**words), content=b"[]", headers={"Content-Type": "application/json"}, timeout=60
    )
    if answer.is_success or not answer.headers.get("content-type", "").startswith("application/json"):
        return ""
    code: str = msgspec.json.decode(answer.content)["code"]
    return code


def test_the_table_has_every_route(doors: Doors) -> None:
    """One that nobody thought about is found here, and needs an owner until then."""
    served = set(_routes(make_app(doors.service)))
    known = {route.partition("?")[0] for route in TABLE}
    assert known <= served
    assert {route for route in served - known if DESCRIPTION not in route} == set()


def test_every_route_declares_what_it_needs(doors: Doors) -> None:
    """And every one that is no plain look says in words what it does."""
    silent, undeclared = [], []
    for route in make_app(doors.service).routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:  # type: ignore[union-attr]
            for method in getattr(handler, "http_methods", {"WEBSOCKET"}) - {"OPTIONS"}:
                undeclared += [] if "needs" in handler.opt else [f"{method} {route.path_format}"]
                silent += [] if method == "GET" or "act" in handler.opt else [f"{method} {route.path_format}"]
    assert undeclared == []
    # What it would do is only looked at.
    assert silent == ["POST /apps/{name}/variables/preview"]


def _routes(app: Litestar) -> Iterator[str]:
    for route in app.routes:
        for method in (getattr(route, "methods", None) or {"WEBSOCKET"}) - {"OPTIONS", "HEAD"}:
            yield f"{method} {route.path_format}"


def test_a_preflight_needs_an_owner(doors: Doors, askers: dict[str, Asker]) -> None:
    """No browser of somebody else's page asks this API anything."""
    for path in ("/apps", "/sessions", "/status"):
        assert doors.raw("OPTIONS", path, []).status_code == 401


def test_the_agents_own_socket_asks_nobody(doors: Doors) -> None:
    """Whoever can open it is the owner of everything, as the kernel says who it is."""
    caller = doors.own.caller()
    assert (caller.way, caller.role, caller.person) == ("cli", "owner", None)


def test_a_token_for_one_app_works_there(doors: Doors) -> None:
    """As far as its access goes; what it did is written down as the token's."""
    name, owner = doors.person(Role.OWNER)
    reading, writing = (doors.token(owner, access, "blog") for access in (TokenAccess.READ, TokenAccess.WRITE))
    assert [one.value for one in reading.variables("blog")][2:] == [None]
    assert [entry.name for entry in reading.stored_folder("blog").entries] == []
    assert [one.name for one in writing.variables("blog", reveal=True)][:2] == ["STORAGE_DIR", "PORT"]
    history = writing.variable_history("blog")
    assert history[0].by == writing.caller().name
    assert history[0].by.endswith(f"({name})")


def test_a_person_may_less_from_the_next_request_on(doors: Doors) -> None:
    """So do their tokens; and who becomes less is signed out."""
    name, client = doors.person(Role.DEPLOYER)
    token = doors.token(client, TokenAccess.WRITE)
    assert token.caller().role is Role.DEPLOYER
    doors.own.set_role(name, Role.VIEWER)
    assert token.caller().role is Role.VIEWER
    code = _code(doors, client, "GET /session")
    assert code == "session-ended"
    doors.own.set_role(name, Role.OWNER)
    assert token.caller().role is Role.DEPLOYER, "a token never is an owner's"


def test_who_becomes_more_stays_signed_in(doors: Doors) -> None:
    """And may more from the next request on."""
    name, client = doors.person(Role.VIEWER)
    doors.own.set_role(name, Role.OWNER)
    answer: Caller = client.caller()
    assert answer.role is Role.OWNER


def test_the_documents_say_what_each_route_needs(doors: Doors) -> None:
    """Every route has its line in docs/people.md, with what it needs."""
    text = (Path(__file__).parents[4] / "docs" / "people.md").read_text()
    said = dict(re.findall(r"^\| `([A-Z]+ /\S*)` \| (\w+) \|$", text, re.MULTILINE))
    plain = {route: needs.value for route, needs in TABLE.items() if "?" not in route and "/schema/" not in route}
    assert said == plain
