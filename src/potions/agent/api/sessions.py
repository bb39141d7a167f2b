"""Signing in and out, sessions, and what people change about themselves."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
from litestar import Controller, delete, get, post
from litestar.params import FromQuery, JSONBody, PathParameter

from potions.agent.api.handed import AgentRequest, Asked, Asker, hashing, origin
from potions.agent.audit import noted
from potions.model.access import Needs, Role
from potions.schema import (
    Caller,
    Ended,
    PasswordChange,
    PasswordProof,
    RecoveryCodes,
    Session,
    SignedIn,
    SignIn,
    TotpCode,
    TotpStart,
)

#: What is larger fits no database.
Id = Annotated[int, PathParameter(ge=0, le=2**63 - 1)]
_STRANGER = "somebody"


class SessionController(Controller):
    """Where people are signed in."""

    tags = ("sessions",)

    @post("/sessions", needs=Needs.NOBODY, act="sign in", summary="Sign in")
    async def sign_in(self, request: AgentRequest, service: Asked, data: JSONBody[SignIn]) -> SignedIn:
        known = await anyio.to_thread.run_sync(service.signing_in.known_name, data)
        noted(request).who = known or _STRANGER
        return await hashing(partial(service.signing_in.sign_in, data, origin(request)))

    @get("/session", sync_to_thread=True, needs=Needs.ANYBODY, summary="Who asks, and what they may")
    def who(self, service: Asked, asker: Asker) -> Caller:
        return service.people.caller(asker)

    @delete(
        "/session", sync_to_thread=True, status_code=200, needs=Needs.PERSON, act="sign out", summary="End this session"
    )
    def sign_out(self, service: Asked, asker: Asker) -> Ended:
        return service.signing_in.sign_out(asker)

    @get(
        "/sessions",
        sync_to_thread=True,
        needs=Needs.PERSON,
        about="person",
        summary="One's own sessions; owners may ask for somebody's",
    )
    def all(self, service: Asked, asker: Asker, person: FromQuery[str | None] = None) -> list[Session]:
        return service.signing_in.sessions(asker, person)

    @delete(
        "/sessions/{which:int}",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.PERSON,
        act="end session",
        summary="End one's own session; owners may end anybody's",
    )
    def end(self, request: AgentRequest, service: Asked, asker: Asker, which: Id) -> Session:
        ended = service.signing_in.end_session(asker, which, anybodys=asker.role is Role.OWNER)
        noted(request).detail = f"of {ended.person}"
        return ended

    @delete(
        "/sessions",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.PERSON,
        about="person",
        act="end sessions",
        summary="End all one's other sessions; owners may end all of somebody's",
    )
    def end_all(self, service: Asked, asker: Asker, person: FromQuery[str | None] = None) -> Ended:
        return service.signing_in.end_sessions(asker, person)


class OwnController(Controller):
    """What people change about themselves."""

    path = "/person"
    tags = ("people",)

    @post(
        "/password",
        status_code=204,
        needs=Needs.PERSON,
        act="change password",
        summary="Another password; all other sessions end",
    )
    async def change_password(self, service: Asked, asker: Asker, data: JSONBody[PasswordChange]) -> None:
        await hashing(partial(service.signing_in.change_password, asker, data))

    @post(
        "/totp",
        sync_to_thread=True,
        needs=Needs.PERSON,
        act="begin codes",
        summary="A secret for an authenticator app; counts once confirmed",
    )
    def begin_codes(self, service: Asked, asker: Asker) -> TotpStart:
        return service.codes.begin(asker)

    @post(
        "/totp/confirm",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.PERSON,
        act="codes on",
        summary="From now on need a code; answers with recovery codes",
    )
    def confirm_codes(self, service: Asked, asker: Asker, data: JSONBody[TotpCode]) -> RecoveryCodes:
        return service.codes.confirm(asker, data.code)

    @delete(
        "/totp", status_code=204, needs=Needs.PERSON, act="codes off", summary="Need no code; all other sessions end"
    )
    async def end_codes(self, service: Asked, asker: Asker, data: JSONBody[PasswordProof]) -> None:
        await hashing(partial(service.codes.end, asker, data.password))
